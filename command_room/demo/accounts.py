"""The accounts that may log in: random passwords, written once to var/demo-accounts.csv, readable by its owner alone."""

import csv
import os
import secrets
from base64 import b32encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from townships.models import User
from townships.services import second_factor

ACCOUNTS = (
    "ganlin-grid",
    "ganlin-duty",
    "ganlin-leader",
    "ganlin-officer",
    "changle-duty",
    "scjg-liaison",
    "scjg-leader",
    "zrzy-liaison",
    "zrzy-officer",
    "zfj-liaison",
    "zdb-officer",
    "bureau-admin",
    "auditor",
)
COLUMNS = ("username", "password", "role", "unit", "totp")
LETTERS = "abcdefghjkmnpqrstuvwxyz"  # without those that are taken for one another
DIGITS = "23456789"


def path() -> Path:
    return Path(settings.VAR_DIR) / "demo-accounts.csv"


def new_password(user: User) -> str:
    """Random, easy to type, and one that the portal's own rules accept."""
    while True:
        blocks = ["".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2)]
        password = f"{blocks[0].capitalize()}-{blocks[1]}-" + "".join(secrets.choice(DIGITS) for _ in range(4))
        try:
            validate_password(password, User(username=user.username, name=user.name))  # unsaved: it has no earlier ones
        except ValidationError:
            continue
        return password


def give_passwords(people: Mapping[str, User]) -> None:
    """Give each demo account a password, and write them down. Hashing is slow on purpose: it runs on every core."""
    users = [people[name] for name in ACCOUNTS]
    passwords = [new_password(user) for user in users]
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(make_password, passwords))
    for user, hashed in zip(users, hashes, strict=True):
        user.password = hashed
    User.objects.bulk_update(users, ["password"])
    write([[user.username, word, *_office(user), _totp(user)] for user, word in zip(users, passwords, strict=True)])


def write(rows: list[list[str]]) -> None:
    path().parent.mkdir(parents=True, exist_ok=True)
    path().unlink(missing_ok=True)  # so that the mode below is the file's from its first byte
    descriptor = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def _totp(user: User) -> str:
    """The secret to type into an authenticator, where the role needs one (OTP_REQUIRED_ROLES); else nothing."""
    if not second_factor.is_required(user.acting):
        return ""
    device = second_factor.offered(user, second_factor.offer(user))
    assert device is not None  # noqa: S101 - of this moment
    second_factor.set_up(device)
    return b32encode(device.bin_key).decode()


def _office(user: User) -> tuple[str, str]:
    post = user.acting
    return (post.get_role_display(), post.unit.short_name) if post else ("", "")
