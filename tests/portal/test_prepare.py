"""What `manage.py prepare` does once, and what it does again."""

from pathlib import Path

import pytest

from portal.management.commands import prepare


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were called."""
    names: list[str] = []
    monkeypatch.setattr(prepare, "call_command", lambda name, **_: names.append(name))
    return names


@pytest.mark.parametrize(("loaded", "commands"), [(True, []), (False, ["load_demo"])])
def test_demo_data_are_loaded_once(
    called: list[str], monkeypatch: pytest.MonkeyPatch, loaded: bool, commands: list[str]
) -> None:
    monkeypatch.setattr(prepare, "is_loaded", lambda: loaded)
    prepare.load_demo_once()
    assert called == commands


@pytest.mark.django_db
def test_migrated_database_is_not_migrated_again(called: list[str]) -> None:
    prepare.migrate()
    assert called == []


def test_static_files_are_collected_when_one_has_changed(called: list[str], settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    prepare.collect_static()
    settings.STATIC_ROOT.mkdir()
    (settings.STATIC_ROOT / "staticfiles.json").touch()
    prepare.collect_static()
    assert called == ["collectstatic"]
    (tmp_path / "static.fingerprint").write_text("earlier")
    prepare.collect_static()
    assert called == ["collectstatic", "collectstatic"]
