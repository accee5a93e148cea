from pathlib import Path

import pytest

from portal import welcome


@pytest.fixture
def accounts(settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.EMBEDDED_DATABASE = True
    file = tmp_path / "demo-accounts.csv"
    file.write_text("username,password,role,unit,totp\nganlin-duty,pw,指挥室值守员,甘霖镇,\n", encoding="utf-8-sig")
    return file


def test_accounts_stand_in_columns(accounts: Path) -> None:
    head, row = welcome.demo_accounts().splitlines()[2:4]
    assert welcome.width(head[: head.index("unit")]) == welcome.width(row[: row.index("甘霖镇")])


def test_no_accounts_are_shown_for_a_database_of_the_customer(accounts: Path, settings) -> None:
    settings.EMBEDDED_DATABASE = False
    assert welcome.demo_accounts() == ""


def test_address_and_logs_are_shown(settings, accounts: Path) -> None:
    settings.PORTAL_URL = "http://localhost:8001"
    text = welcome.ready_words(2.34)
    assert "http://localhost:8001/" in text
    assert "2.3" in text
    assert str(accounts.parent / "log") in text
