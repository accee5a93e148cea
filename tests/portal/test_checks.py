import pytest

from portal import checks


@pytest.mark.django_db
def test_test_database_knows_chinese() -> None:
    assert checks.database_reads_chinese(["default"]) == []


@pytest.mark.django_db
def test_database_in_the_c_locale_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "KNOWS_LETTERS", """SELECT '城' COLLATE "C" ~ '[[:alpha:]]'""")
    assert [found.id for found in checks.database_reads_chinese(["default"])] == ["portal.E001"]


def test_web_as_owner_is_warned_of(settings) -> None:
    assert checks.owner_is_not_the_web() == []
    settings.WEB_DB_ROLE = ""
    assert [found.id for found in checks.owner_is_not_the_web()] == ["portal.W001"]
