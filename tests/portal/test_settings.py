"""Secrets arrive as they were given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.settings import BASE_DIR

READ = "from portal.settings import SECRET_KEY, SEAL_KEY, SMS_SECRET; print(SECRET_KEY, SEAL_KEY, SMS_SECRET)"
NAMES = ("SECRET_KEY", "SEAL_KEY", "SMS_SECRET")


def keys(var: Path, **given: str) -> list[str]:
    plain = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in NAMES}
    told = {**plain, "VAR_DIR": str(var), **given}
    read = subprocess.run(
        [sys.executable, "-c", READ], cwd=BASE_DIR, env=told, capture_output=True, text=True, check=True
    )
    return read.stdout.split()


@pytest.mark.parametrize("key", ["$gold", "$$", "a$b"])
def test_a_secret_with_a_dollar_sign_is_not_another_variables_name(tmp_path: Path, key: str) -> None:
    assert keys(tmp_path, SECRET_KEY=key, SMS_SECRET=key) == [key, key, key]
    assert not (tmp_path / "secret-key").exists()


def test_a_random_key_may_begin_with_a_dollar_sign(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("$gold")
    assert keys(tmp_path) == ["$gold", "$gold"]


def test_a_secret_is_read_from_its_file_without_the_newline(tmp_path: Path) -> None:
    (tmp_path / "seal").write_text("wax\n")
    assert keys(tmp_path, SECRET_KEY="k", SEAL_KEY_FILE=str(tmp_path / "seal")) == ["k", "wax"]
