import csv
import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from enforcement.models import Limit
from townships.models import CalendarYear, WorkingHours

GOLDEN = Path(__file__).parent.parent / "golden"
ROOT = GOLDEN.parent.parent
TABLES = {
    "worktime": (["start", "unit", "amount"], ["due"]),
    "whistle": (["kind", "sent_at"], ["sign_due", "arrive_due", "report_due", "finish_due", "eval_due"]),
}
WORKTIME = "start,unit,amount\n"
CASE = WORKTIME + "2026-03-11T09:00,work_minutes,240\n"


def decide(*arguments):
    """Exit code, standard output, standard error."""
    out = io.StringIO()
    try:
        call_command("decide", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


@pytest.fixture
def file(tmp_path):
    def write(content, name="cases.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def outcome(file):
    """The one row of the worktime file that is decided, without its reasons."""

    def of(row, *options):
        code, out, err = decide("worktime", "--cases", file(WORKTIME + row + "\n"), *options)
        assert (code, err) == (0, "")
        return out.splitlines()[1].rsplit(",", 1)[0]

    return of


def refused(file, content, table="worktime"):
    """The lines on standard error of a run that has to refuse the file with exit 2 and say nothing else."""
    code, out, err = decide(table, "--cases", file(content), "--defaults")
    assert (code, out) == (2, "")
    return err.splitlines()


@pytest.mark.parametrize("table", TABLES)
def test_decide_golden(table, file):
    columns, outcomes = TABLES[table]
    rows = list(csv.DictReader((GOLDEN / f"{table}.csv").read_text(encoding="utf-8").splitlines()))
    cases = "\n".join([",".join(columns), *(",".join(row[column] for column in columns) for row in rows)])
    code, out, _ = decide(table, "--cases", file(cases), "--defaults")
    decided = list(csv.DictReader(out.splitlines()))
    assert code == 0
    assert [{name: row[name] for name in columns + outcomes} for row in decided] == [
        {name: row[name] for name in columns + outcomes} for row in rows
    ]
    assert list(decided[0]) == [*columns, *outcomes, "reasons"]
    assert all(row["reasons"] and not row["reasons"].endswith(";") for row in decided)


# --- The file -----------------------------------------------------------------------------------------------------


def test_columns_in_any_order_and_cells_unchanged(file):
    code, out, _ = decide(
        "worktime", "--cases", file("amount,start,unit\n007,2026-03-11T09:00,work_days\n"), "--defaults"
    )
    assert code == 0
    assert out.splitlines()[0] == "amount,start,unit,due,reasons"
    assert out.splitlines()[1].startswith("007,2026-03-11T09:00,work_days,2026-03-20T23:59:59,")


def test_bom_crlf_and_empty_lines(file):
    plain = decide("worktime", "--cases", file(CASE), "--defaults")
    windows = b"\xef\xbb\xbf" + CASE.replace("\n", "\r\n\r\n").encode()
    assert decide("worktime", "--cases", file(windows), "--defaults") == plain
    assert decide("worktime", "--cases", file(CASE.rstrip("\n")), "--defaults") == plain


def test_quoted_cells_are_cells(file):
    quoted = '"start","unit","amount"\n"2026-03-11T09:00","work_minutes","240"\n'
    plain = decide("worktime", "--cases", file(CASE), "--defaults")
    assert decide("worktime", "--cases", file(quoted), "--defaults") == plain


@pytest.mark.parametrize("table", TABLES)
def test_header_alone(table, file):
    columns, outcomes = TABLES[table]
    header = ",".join([*columns, *outcomes, "reasons"]) + "\n"
    assert decide(table, "--cases", file(",".join(columns)), "--defaults") == (0, header, "")


def test_standard_input(file, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(CASE.encode())))
    from_stdin = decide("worktime", "--cases", "-", "--defaults")
    assert from_stdin == decide("worktime", "--cases", file(CASE), "--defaults")


# --- Faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("2026-03-11 09:00,work_days,1", "start", "2026-03-11 09:00"),
        ("2026-03-11T9:00,work_days,1", "start", "2026-03-11T9:00"),
        ("2026-03-11T24:00,work_days,1", "start", "2026-03-11T24:00"),
        ("2026-03-11T09:60,work_days,1", "start", "2026-03-11T09:60"),
        ("2026-02-29T09:00,work_days,1", "start", "2026-02-29T09:00"),
        ("2026-03-11T09:00:00.5,work_days,1", "start", "2026-03-11T09:00:00.5"),
        ("2026-03-11T09:00Z,work_days,1", "start", "2026-03-11T09:00Z"),
        ("2026-03-11T09:00+08:00,work_days,1", "start", "2026-03-11T09:00+08:00"),
        ("2026-03-11t09:00,work_days,1", "start", "2026-03-11t09:00"),
        ("2026-03-11,work_days,1", "start", "2026-03-11"),
        ("２０２６-03-11T09:00,work_days,1", "start", "２０２６-03-11T09:00"),
        ("0000-03-11T09:00,work_days,1", "start", "0000-03-11T09:00"),
        (",work_days,1", "start", ""),
        ("2026-03-11T09:00,Work_days,1", "unit", "Work_days"),
        ("2026-03-11T09:00, work_days,1", "unit", " work_days"),
        ("2026-03-11T09:00,work_days ,1", "unit", "work_days "),
        ("2026-03-11T09:00,hours,1", "unit", "hours"),
        ("2026-03-11T09:00,,1", "unit", ""),
        ("2026-03-11T09:00,work_days,0", "amount", "0"),
        ("2026-03-11T09:00,work_days,000", "amount", "000"),
        ("2026-03-11T09:00,work_days,-1", "amount", "-1"),
        ("2026-03-11T09:00,work_days,+1", "amount", "+1"),
        ("2026-03-11T09:00,work_days,1.0", "amount", "1.0"),
        ("2026-03-11T09:00,work_days,1_0", "amount", "1_0"),
        ("2026-03-11T09:00,work_days,１", "amount", "１"),
        ("2026-03-11T09:00,work_days,²", "amount", "²"),
        ("2026-03-11T09:00,work_days,", "amount", ""),
        ('2026-03-11T09:00,work_days,"1\n"', "amount", "1\\n"),
        ("2026-03-11T09:00,continuous_minutes,99999999999999", "amount", "99999999999999"),
        ("2026-03-11T09:00,continuous_minutes," + "9" * 5000, "amount", "9" * 5000),
    ],
)
def test_bad_cell(row, column, value, file):
    assert refused(file, WORKTIME + row)[0].startswith(f'第 2 行，{column} 列："{value}" 不合规，允许的是：')


@pytest.mark.parametrize(
    ("row", "column"), [("Emergency,2026-03-11T09:00", "kind"), ("routine,", "sent_at"), (",2026-03-11T09:00", "kind")]
)
def test_bad_cell_of_a_whistle(row, column, file):
    [line] = refused(file, "kind,sent_at\n" + row, table="whistle")
    assert f"第 2 行，{column} 列" in line


def test_every_bad_cell_is_named_with_its_line(file):
    content = CASE + "\n\nx,y,z\n2026-03-11T09:00,work_days,1\n2026-03-11T09:00,work_days\n1,work_days,1,2\n"
    lines = refused(file, content)
    assert [line[:16] for line in lines[:3]] == [
        '第 5 行，start 列："x',
        '第 5 行，unit 列："y"',
        '第 5 行，amount 列："',
    ]
    assert lines[3:] == [
        '第 7 行：有 2 个单元格 "2026-03-11T09:00,work_days"，应为 3 个',
        '第 8 行：有 4 个单元格 "1,work_days,1,2"，应为 3 个',
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "缺少列 start"),
        ("\n" + CASE, "缺少列 start"),
        ("start,unit\n", "缺少列 amount"),
        ("start,unit,amount,due\n", '多余的列 "due"'),
        ("start,unit,Amount\n", '多余的列 "Amount"'),
        ("start,unit, amount\n", '多余的列 " amount"'),
        ("start,unit,amount,\n", '多余的列 ""'),
        ("start,unit,amount,unit\n", "列 unit 重复"),
        (b"start,unit,amount\n\xb0\xa1,work_days,1\n", "第 2 行：字节 0xb0 不是 UTF-8"),
        (CASE.encode("utf-16"), "不是 UTF-8"),
        (CASE + '2026-03-11T09:00,"work_days,1\n', "第 3 行：不是合规的 CSV"),
        (CASE + '2026-03-11T09:00,"work"_days,1\n', "第 3 行：不是合规的 CSV"),
    ],
)
def test_bad_file(content, says, file):
    assert any(says in line for line in refused(file, content))


def test_a_fault_before_the_end_of_the_csv_is_named_too(file):
    lines = refused(file, WORKTIME + 'x,work_days,1\n2026-03-11T09:00,"')
    assert [line.split("，")[0].split("：")[0] for line in lines] == ["第 2 行", "第 3 行"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["leniency", "--cases", "x.csv", "--defaults"], "worktime、whistle"),
        (["Worktime", "--cases", "x.csv", "--defaults"], "没有表 Worktime"),
        (["--cases", "x.csv", "--defaults"], "没有表"),
        (["worktime", "--defaults"], "--cases"),
        (["worktime", "--cases", "/nowhere/x.csv", "--defaults"], "/nowhere/x.csv"),
        (["worktime", "--cases", "/", "--defaults"], "读不到文件 /"),
        (["worktime", "--show-config", "--defaults"], "--show-config"),
    ],
)
def test_bad_command(arguments, says):
    code, out, err = decide(*arguments)
    assert (code, out) == (2, "")
    assert says in err


# --- Years that are missing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "content", "year"),
    [
        ("worktime", WORKTIME + "2026-12-31T09:00,work_days,1\n", 2027),
        ("worktime", WORKTIME + "2026-12-31T09:00,calendar_days,1\n", 2027),
        ("worktime", WORKTIME + "2026-12-31T17:00,work_minutes,31\n", 2027),
        ("worktime", WORKTIME + "1999-03-11T09:00,work_minutes,1\n", 1999),
        ("worktime", WORKTIME + "2026-03-11T09:00,work_days,99999999999\n", 2027),
        ("whistle", "kind,sent_at\nemergency,2026-12-30T09:00\n", 2027),
        ("whistle", "kind,sent_at\nroutine,2026-12-30T09:00\n", 2027),
    ],
)
def test_missing_year(table, content, year, file):
    code, out, err = decide(table, "--cases", file(content), "--defaults")
    assert (code, out) == (3, "")
    assert f"第 2 行要知道 {year} 年的工作日" in err
    assert "load_holidays" in err


def test_continuous_minutes_need_no_year(outcome):
    row = "2031-12-31T23:59:59,continuous_minutes,1"
    assert outcome(row, "--defaults") == row + ",2032-01-01T00:00:59"


def test_a_bad_cell_outweighs_a_missing_year(file):
    [line] = refused(file, WORKTIME + "2026-12-31T09:00,work_days,1\n2026-12-31T09:00,work_days,0\n")
    assert "第 3 行" in line


# --- Configuration ------------------------------------------------------------------------------------------------


def test_show_config_with_the_shipped_numbers():
    code, out, _ = decide("--show-config", "--defaults")
    shown = json.loads(out)
    whistle = shown["whistle"]
    assert code == 0
    assert shown["worktime"] == {"windows": [["08:30", "12:00"], ["14:00", "17:30"]]}
    assert whistle.pop("eval") == {"unit": "work_days", "amount": 3}
    assert {kind: [step and step["amount"] for step in steps.values()] for kind, steps in whistle.items()} == {
        "emergency": [15, 30, 120, 1440],
        "urgent": [60, 120, 1, 3],
        "routine": [240, 1, None, 7],
        "campaign": [1, 3, 5, 15],
    }
    assert all(list(steps) == ["sign", "arrive", "report", "finish"] for steps in whistle.values())


def test_without_option_the_numbers_are_the_database_s(rules, file, outcome):
    assert decide("--show-config") == decide("--show-config", "--defaults")
    assert outcome("2026-03-11T09:00,work_minutes,240").endswith("2026-03-11T15:00:00")
    WorkingHours.objects.create(valid_from=date(2026, 3, 11), windows=[["09:00", "10:00"]])
    assert outcome("2026-03-11T09:00,work_minutes,61").endswith("2026-03-12T09:01:00")
    assert outcome("2026-03-10T17:00,work_minutes,60").endswith("2026-03-11T09:30:00")
    Limit.objects.filter(kind="routine", step="sign").update(unit="work_days", amount=2)
    code, out, _ = decide("whistle", "--cases", file("kind,sent_at\nroutine,2026-03-11T09:00\n"))
    assert code == 0
    assert out.splitlines()[1].split(",")[2] == "2026-03-13T23:59:59"
    CalendarYear.objects.all().delete()
    assert decide("worktime", "--cases", file(CASE))[0] == 3


def test_config_overrides_what_it_names(rules, file, outcome):
    windows = file('{"worktime": {"windows": [["09:00", "17:00"]]}}', "windows.json")
    assert outcome("2026-03-11T08:00,work_minutes,480", "--config", windows).endswith("2026-03-11T17:00:00")
    changes = {"whistle": {"routine": {"sign": {"amount": 60}, "report": {"unit": "work_days", "amount": 2}}}}
    limits = file(json.dumps(changes), "limits.json")
    code, out, _ = decide("whistle", "--cases", file("kind,sent_at\nroutine,2026-03-11T09:00\n"), "--config", limits)
    assert code == 0
    assert out.splitlines()[1].startswith(
        "routine,2026-03-11T09:00,2026-03-11T10:00:00,2026-03-12T23:59:59,2026-03-13T23:59:59,2026-03-20T23:59:59,"
    )
    shown = json.loads(decide("--show-config", "--config", limits)[1])["whistle"]
    assert shown["routine"]["sign"] == {"unit": "work_minutes", "amount": 60}
    assert shown["urgent"]["sign"] == {"unit": "continuous_minutes", "amount": 60}


def test_shown_config_is_a_config(rules, file):
    _, shown, _ = decide("--show-config")
    assert decide("--show-config", "--config", file(shown, "all.json")) == (0, shown, "")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("nonsense", "JSON"),
        (b"\xff", "JSON"),
        ("[]", "[]"),
        ('{"sign": 1}', '没有名称 "sign"'),
        ('{"whistle": {"slow": {}}}', '没有名称 "slow"'),
        ('{"whistle": {"urgent": {"sign": {"number": 1}}}}', '没有名称 "number"'),
        ('{"whistle": 3}', "配置 whistle：3"),
        ('{"whistle": {"urgent": {"sign": 30}}}', "配置 whistle.urgent.sign：30"),
        ('{"whistle": {"urgent": {"sign": null}}}', "配置 whistle.urgent.sign：null"),
        ('{"whistle": {"urgent": {"sign": {"amount": "30"}}}}', '"30"'),
        ('{"whistle": {"urgent": {"sign": {"amount": 0}}}}', "配置 whistle.urgent.sign.amount：0"),
        ('{"whistle": {"urgent": {"sign": {"amount": 1.5}}}}', "1.5"),
        ('{"whistle": {"urgent": {"sign": {"amount": true}}}}', "true"),
        ('{"whistle": {"urgent": {"sign": {"unit": "hours"}}}}', '"hours"'),
        ('{"whistle": {"routine": {"report": {"amount": 2}}}}', "还缺少 unit"),
        ('{"whistle": {"eval": {"amount": []}}}', "配置 whistle.eval.amount：[]"),
        ('{"worktime": {"windows": []}}', "配置 worktime.windows：[]"),
        ('{"worktime": {"windows": [["12:00", "08:30"]]}}', "配置 worktime.windows"),
        ('{"worktime": {"windows": [["8:30", "12:00"]]}}', "配置 worktime.windows"),
        ('{"worktime": {"windows": [[8, 12]]}}', "配置 worktime.windows"),
        ('{"worktime": {"windows": 420}}', "配置 worktime.windows：420"),
    ],
)
def test_bad_config(rules, file, config, says):
    code, out, err = decide("worktime", "--cases", file(CASE), "--config", file(config, "bad.json"))
    assert (code, out) == (2, "")
    assert says in err


def test_every_bad_number_is_named(rules, file):
    config = file('{"x": 1, "whistle": {"y": 2, "eval": {"amount": 0}}}', "bad.json")
    _, _, err = decide("--show-config", "--config", config)
    assert len(err.splitlines()) == 3


def test_a_bad_row_and_an_unknown_table(file):
    assert decide("worktime", "--cases", file(WORKTIME + "x,y,z\n"), "--defaults")[:2] == (2, "")
    assert decide("score", "--cases", file(CASE), "--defaults")[:2] == (2, "")


# --- As a process -------------------------------------------------------------------------------------------------


def process(*arguments, stdin=b"", **environment):
    """manage.py with a database that is not there and a locale that is not UTF-8."""
    return subprocess.run(
        [sys.executable, "manage.py", "decide", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        check=False,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
            "PYTHONIOENCODING": "ascii",
            **environment,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (["worktime", "--cases", "-", "--defaults"], CASE, 0),
        (["worktime", "--cases", "-", "--defaults"], WORKTIME + "2026-12-31T09:00,work_days,1\n", 3),
        (["worktime", "--cases", "-", "--defaults", "--config", "x.json"], CASE, 2),
        (["worktime", "--cases", "-"], CASE, 1),
    ],
)
def test_exit_codes(arguments, stdin, code):
    done = process(*arguments, stdin=stdin.encode())
    assert done.returncode == code
    assert bool(done.stdout) == (code == 0)
    assert b"Traceback" not in done.stderr
    if code == 0:
        assert done.stdout.decode().splitlines()[1].endswith("2026-03-11T15:00:00,只计工作日的工作时段，共240分钟")
