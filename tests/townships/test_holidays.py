"""Loading holiday lists: from the package, from a file, from the admin's page, from the command."""

from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from records.models import Entry
from tests.cast import Cast, client_for
from townships import worktime
from townships.models import CalendarYear, Holiday
from townships.services import holidays

GOOD = "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-02,放假,元旦\n2027-01-03,workday,元旦调休\n"
LOAD = "/admin/townships/holiday/load/"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", names.append)
    return names


def rows(year: int) -> list[tuple[date, str]]:
    return list(Holiday.objects.filter(date__year=year).values_list("date", "kind"))


# --- shipped ------------------------------------------------------------------------------------------------------------
def test_shipped_years_are_copied_once(db: None) -> None:
    assert holidays.load_shipped([2025, 2026]) == [2025, 2026]
    assert holidays.load_shipped([2025, 2026]) == []
    assert holidays.load_shipped([2027]) == []
    workdays = Holiday.objects.filter(date__year=2026, kind="workday").values_list("date", flat=True)
    assert [f"{day:%m-%d}" for day in workdays] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    assert Holiday.objects.get(date=date(2026, 10, 1)).name == "国庆节"


def test_every_shipped_year_is_plausible(db: None) -> None:
    assert holidays.load_shipped() == list(range(2004, 2027))
    for year in range(2004, 2027):
        assert 0 < Holiday.objects.filter(date__year=year, kind="holiday").count() <= holidays.MOST_HOLIDAYS


def test_own_list_is_not_overwritten_by_the_package(db: None) -> None:
    holidays.load_file(
        GOOD.replace("2027-01-03", "2026-01-04").replace("2027", "2026").encode(), by=None, source="文件"
    )
    assert holidays.load_shipped([2026]) == []
    assert len(rows(2026)) == 3


# --- from a file ----------------------------------------------------------------------------------------------------------
def test_file_may_have_its_columns_in_chinese(db: None) -> None:
    content = "日期, 种类,名称\n2027-01-01,放假,元旦\n2027-01-03,调休上班,元旦调休\n"
    assert holidays.load_file(content.encode(), by=None, source="f") == [2027]
    assert [kind for _, kind in rows(2027)] == ["holiday", "workday"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_file_loads_a_year_and_has_due_times_computed_anew(
    cast: Cast, sent: list[str], django_capture_on_commit_callbacks, encoding: str
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert holidays.load_file(GOOD.encode(encoding), by=cast.bureau_admin, source="国办发明电") == [2027]
    assert rows(2027) == [
        (date(2027, 1, 1), "holiday"),
        (date(2027, 1, 2), "holiday"),
        (date(2027, 1, 3), "workday"),
    ]
    assert Holiday.objects.get(date=date(2027, 1, 3)).name == "元旦调休"
    year = CalendarYear.objects.get(year=2027)
    entry = Entry.objects.about(year).get()
    assert (year.source, entry.what) == ("国办发明电", "导入 2027 年放假安排：放假 2 天，调休上班 1 天")
    assert sent == ["enforcement.recompute_provisional"]
    assert not worktime.calendar().is_workday(date(2027, 1, 1))


def test_file_replaces_its_years_whole_and_leaves_the_others(calendar_2026: None) -> None:
    before = rows(2026)
    holidays.load_file(GOOD.encode(), by=None, source="一")
    holidays.load_file(b"date,kind,name\r\n2027-02-05,holiday,\r\n", by=None, source="two")
    assert rows(2027) == [(date(2027, 2, 5), "holiday")]
    assert rows(2026) == before
    assert CalendarYear.objects.get(year=2027).source == "two"


def test_dead_broker_does_not_stop_the_load(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    def refuse(_: str) -> None:
        raise ConnectionError

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    with django_capture_on_commit_callbacks() as callbacks:
        holidays.load_file(GOOD.encode(), by=None, source="文件")
    assert len(callbacks) == 1
    assert CalendarYear.objects.filter(year=2027).exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "第 1 行应为表头 日期,种类,名称"),
        ("day,kind,name\n", "第 1 行应为表头"),
        ("date,kind,name\n", "文件里没有日期"),
        ("date,kind,name\n1.1.2027,holiday,\n", "第 2 行：日期“1.1.2027”应写成"),
        ("date,kind,name\n2027-01-01,off,\n", "第 2 行：种类“off”应填"),
        ("date,kind,name\n2027-01-01,holiday,\n2027-01-01,holiday,\n", "第 3 行：2027-01-01 重复"),
        ("date,kind,name\n2027-01-04,workday,\n", "第 2 行：2027-01-04 不是周末"),
        ("date,kind,name\n2027-01-03,workday,\n", "2027 年有 0 天放假"),
    ],
)
def test_bad_file_is_refused_whole_with_its_lines(calendar_2026: None, content: str, complaint: str) -> None:
    before = Holiday.objects.count()
    with pytest.raises(holidays.HolidayFileError, match=complaint):
        holidays.load_file(content.encode(), by=None, source="文件")
    assert Holiday.objects.count() == before


def test_every_bad_line_is_named(db: None) -> None:
    with pytest.raises(holidays.HolidayFileError) as caught:
        holidays.load_file(b"date,kind,name\nx,holiday,\n2027-01-01,y,\n", by=None, source="f")
    assert [error.split("：")[0] for error in caught.value.errors] == ["第 2 行", "第 3 行"]


def test_year_of_too_many_holidays_is_refused(db: None) -> None:
    lines = "".join(f"2027-{month:02}-{day:02},holiday,\n" for month in (1, 2) for day in range(1, 22))
    with pytest.raises(holidays.HolidayFileError, match="2027 年有 42 天放假"):
        holidays.load_file(f"date,kind,name\n{lines}".encode(), by=None, source="f")


def test_file_that_is_no_text_is_refused(db: None) -> None:
    with pytest.raises(holidays.HolidayFileError, match="不是文本"):
        holidays.load_file(b"\xff\xfe\x00\xff\xff", by=None, source="f")


# --- from the admin and the command -------------------------------------------------------------------------------------
def upload(user: Any, content: str) -> Any:
    file = SimpleUploadedFile("holidays.csv", content.encode())
    return client_for(user).post(LOAD, {"file": file, "source": "国办发明电"})


def test_administrator_uploads_a_file(cast: Cast, admin_rights: None) -> None:
    assert client_for(cast.bureau_admin).get(LOAD).status_code == 200
    assert upload(cast.bureau_admin, GOOD).status_code == 302
    assert CalendarYear.objects.get(year=2027).source == "国办发明电"


def test_administrator_is_told_what_is_wrong(cast: Cast, admin_rights: None) -> None:
    response = upload(cast.bureau_admin, GOOD.replace("holiday", "off"))
    assert response.status_code == 422
    assert "第 2 行：种类“off”" in response.content.decode()
    assert not CalendarYear.objects.exists()


@pytest.mark.parametrize("part", ["duty", "auditor", "stranger"])
def test_others_do_not_upload(cast: Cast, admin_rights: None, part: str) -> None:
    assert upload(getattr(cast, part), GOOD).status_code in (302, 403)
    assert not CalendarYear.objects.exists()


def test_command_loads_a_file(db: None, tmp_path: Path) -> None:
    file = tmp_path / "2027.csv"
    file.write_text(GOOD, encoding="utf-8")
    out = StringIO()
    call_command("load_holidays", file, stdout=out)
    assert "2027" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("load_holidays", tmp_path / "absent.csv")
