"""批量开户, the writing half: a plan applied in one transaction, and its one-time passwords handed out once."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import timedelta
from typing import Any
from uuid import UUID

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher, make_password
from django.db import connection, transaction
from django.utils import timezone

from records.models import Entry, Stage
from records.services import Refused, entry_for, lock, once, record
from townships.models import AccountBatch, OldPassword, Post, User
from townships.services import post as posts
from townships.services.account import random_password
from townships.services.bulk import Line, Plan
from townships.services.changes import PERSONAL, changes

# 62 random bits that hold for three days need no slow hash; the first log-in makes it the usual one anyway
QUICK = 20_000
SPELLED = ("pinyin", "initials")  # follow the name
TURN_LOCK = 20_261_125  # any number that no other advisory lock of the portal has


def wait_for_turn() -> None:
    """One import at a time, in the caller's transaction: what two administrators import at once is planned one by one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN_LOCK])


def apply(plan: Plan, *, by: Any, request_id: UUID, file_name: str) -> AccountBatch:
    """Open and update what has no fault. Twice is once."""

    def create() -> AccountBatch:
        batch = AccountBatch(by=by, request_id=request_id, file_name=file_name[: AccountBatch.FILE])
        people: dict[str, list[Line]] = defaultdict(list)
        for line in plan.usable:
            people[line.row.username].append(line)
        done = [_apply(lines, by=by) for lines in people.values()]
        batch.waiting = [user.pk for user, _, _, gets in done if gets]
        batch.counts = {
            "new": sum(what == "new" for _, what, _, _ in done),
            "changed": sum(what == "changed" for _, what, _, _ in done),
            "unchanged": sum(what == "same" for _, what, _, _ in done),
            "posts": sum(n for _, _, n, _ in done),
            "left_out": plan.left_out,
        }
        batch.save(force_insert=True)
        record(batch, "accounts_opened", by=by, what=_told(batch.counts), stage=Stage.FILE)
        return batch

    return once(AccountBatch, request_id, create, by=by)


def _told(counts: dict[str, int]) -> str:
    return (
        f"批量开户：新开 {counts['new']}，更新 {counts['changed']}，不变 {counts['unchanged']}，岗位 {counts['posts']}"
    )


def _apply(lines: Sequence[Line], *, by: Any) -> tuple[User, str, int, bool]:
    """One person with their posts: (who, new | changed | same, how many posts, whether a password is to be made)."""
    user, what = _account(lines, by=by)
    made = [line for line in lines if line.row.unit and _post(line, user, by=by)]
    return user, what, len(made), any(line.gets_password for line in lines)


def _account(lines: Sequence[Line], *, by: Any) -> tuple[User, str]:
    first = lines[0]
    details = {name: value for line in lines for name, value in line.row.details.items()}
    changed = list(dict.fromkeys(column for line in lines for column in line.changed))
    if first.user is not None and not changed:
        return first.user, "same"
    before, user = copy(first.user), first.user or User(username=first.row.username)
    for name, value in details.items():
        setattr(user, name, value)
    if first.user is None:
        user.set_unusable_password()  # nobody gets in before the passwords are handed out
        user.save(force_insert=True)
    else:
        user.save(update_fields=[*details, *SPELLED])  # no more: the account may end in this moment
    data = {"changes": changes(before, user, private=PERSONAL)}
    verb, said = ("account_changed", "批量更新人员") if first.user else ("account_added", "批量开户")
    record(user, verb, by=by, what=said, stage=Stage.FILE, data=data)
    return user, "changed" if first.user else "new"


def _post(line: Line, user: User, *, by: Any) -> bool:
    """Add the post, or set its rank; False if it is there as the file says."""
    row, post = line.row, line.post
    if post is not None and post.rank == row.rank:
        return False
    before = copy(post)
    post = post or Post(user=user, unit=row.unit, role=row.role, valid_from=row.since)
    post.rank = row.rank
    post.full_clean()
    post.save()
    verb, what = ("post_changed", "批量修改岗位") if before else ("post_added", "批量新增岗位")
    record(post, verb, by=by, what=what, stage=Stage.FILE, data={"changes": changes(before, post)})
    posts.after_change(post, is_new=before is None)
    return True


# --- passwords ------------------------------------------------------------------------------------------------------
@transaction.atomic
def hand_out(batch: AccountBatch, *, by: Any) -> list[tuple[User, str]]:
    """Make the one-time passwords of this batch, once. They are returned and kept nowhere but as hashes.

    Raises Refused where it has been done. Whoever has got one otherwise meanwhile keeps that.
    """
    lock_batch(batch)
    now = timezone.now()
    users = [user for user in _waiting(batch) if user.pk != by.pk and not _has_own(user, batch)]
    words = [random_password() for _ in users]
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(_quick_hash, words))
    before = [OldPassword(user=user, password=user.password) for user in users if user.has_usable_password()]
    OldPassword.objects.bulk_create(before)
    for user, hashed in zip(users, hashes, strict=True):
        user.password, user.password_changed_at = hashed, now
        user.must_change_password = True
        user.password_expires_at = now + timedelta(hours=settings.HANDOUT_HOURS)
    names = ["password", "password_changed_at", "must_change_password", "password_expires_at"]
    User.objects.bulk_update(users, names, batch_size=500)
    posts.end_sessions([user.pk for user in users])
    AccessAttempt.objects.filter(username__in=[user.username for user in users]).delete()
    _record_handing_out(batch, users, by=by, at=now)
    return list(zip(users, words, strict=True))


def lock_batch(batch: AccountBatch) -> None:
    lock(batch)
    if batch.handed_out_at is not None:
        raise Refused(
            batch, "密码单已经下载过，不能再下载。没拿到的，请到“人员”里逐个重新发放，或在表里填“重发密码：是”再导入。"
        )


def _waiting(batch: AccountBatch) -> list[User]:
    rows = User.objects.select_for_update(no_key=True).filter(pk__in=batch.waiting, is_active=True)
    return list(rows.order_by("username"))


def _has_own(user: User, batch: AccountBatch) -> bool:
    return user.has_usable_password() and user.password_changed_at > batch.at


def _quick_hash(raw: str) -> str:
    hasher = get_hasher()
    if isinstance(hasher, PBKDF2PasswordHasher):
        return hasher.encode(raw, hasher.salt(), iterations=QUICK)
    return make_password(raw)


def _record_handing_out(batch: AccountBatch, users: Sequence[User], *, by: Any, at: Any) -> None:
    batch.waiting, batch.handed_out = [], len(users)
    batch.handed_out_at, batch.handed_out_by = at, by
    batch.save()
    what = f"发放一次性密码，{settings.HANDOUT_HOURS} 小时内有效"
    entries = [entry_for(user, "password_one_time", by=by, what=what, stage=Stage.FILE) for user in users]
    Entry.objects.bulk_create(entries)
    record(batch, "passwords_handed_out", by=by, what=f"下载密码单，{len(users)} 人", stage=Stage.FILE)
