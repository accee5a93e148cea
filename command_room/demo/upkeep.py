"""What the administrator has at hand: a channel rule that begins later, and what is past its time and waits for a yes."""

import secrets
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from random import Random
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.utils import timezone

from command_room.services import retention
from command_room.services.wall import purpose_of
from notifications.models import ChannelRule, Delivery
from records.models import Entry, PublicLink, RetentionList, RetentionRule, Stage
from records.services import entry_for
from townships.models import Unit, User

WALLS = (  # (account, where, is a screen using it, was it taken back)
    ("ganlin-leader", "一楼指挥大厅", True, False),
    ("ganlin-leader", "二楼会商室", False, True),
    ("zdb-officer", "市指挥中心东墙", True, False),
)
SESSIONS = 126
LISTED_AGO = timedelta(days=2)
MONTHS = ((timedelta(days=63), 0, False), (timedelta(days=33), 88, True))  # (ago, cleared, was it confirmed)


# --- 消息渠道 -----------------------------------------------------------------------------------------------------------
def announce_channels(admin: User, now: datetime) -> None:
    """From next Monday on the nights are quiet; until then the settings say."""
    local = timezone.localtime(now)
    monday = (local + timedelta(days=7 - local.weekday())).replace(hour=0, minute=0, second=0)
    rule = ChannelRule.objects.create(
        valid_from=monday,
        channels=[Delivery.Channel.MAIL, Delivery.Channel.ROBOT],
        quiet_from=time(21, 30),
        quiet_to=time(7, 0),
        burst_after=3,
        reason="基层反映夜里普通消息太多：下周起夜间只发应急的",
    )
    _say(rule, "admin_add", "新增消息渠道", by=admin, at=now - timedelta(hours=5))


# --- 大屏 ---------------------------------------------------------------------------------------------------------------
def hang_walls(people: Mapping[str, User], now: datetime) -> None:
    """A link that a screen uses, one that was taken back, one of the city. Nobody has their tokens."""
    for place, (account, label, is_used, is_revoked) in enumerate(WALLS, 1):
        by = people[account]
        post, made_at = by.acting, now - timedelta(days=20 * place)
        assert post is not None  # every account of the demo has one  # noqa: S101
        PublicLink.objects.create(
            purpose=purpose_of(post.unit), target_type=ContentType.objects.get_for_model(Unit), target_id=post.unit_id,
            label=label, token_hash=secrets.token_hex(32), made_at=made_at, made_by=by,
            expires_at=made_at + timedelta(days=180), used_at=now - timedelta(minutes=1) if is_used else None,
            revoked_at=made_at + timedelta(days=1) if is_revoked else None, revoked_by=by if is_revoked else None,
            request_id=UUID(int=place),
        )  # fmt: skip


# --- 保存期限 -----------------------------------------------------------------------------------------------------------
def age(now: datetime, rng: Random) -> None:
    """Sessions that ended more than a month ago: what every installation has."""
    Session.objects.bulk_create(
        Session(session_key=f"demo{place:028d}", session_data="", expire_date=now - timedelta(days=rng.uniform(34, 62)))
        for place in range(SESSIONS)
    )


def list_expired(admin: User, now: datetime) -> None:
    """As the monthly job would have listed it; two months before, one list was cleared and one put aside."""
    retention.load_rules()
    for code, rule in retention.rules().items():
        before = now - LISTED_AGO - timedelta(days=rule.days)
        found = retention.KINDS[code].find(before)
        if found.count:
            RetentionList.objects.create(
                rule=rule, before=before, count=found.count, oldest=found.oldest, newest=found.newest,
                listed_at=now - LISTED_AGO,
            )  # fmt: skip
    for ago, cleared, is_confirmed in MONTHS:
        _decided(retention.rules()["session"], admin, now - ago, cleared, is_confirmed=is_confirmed)


def _decided(rule: RetentionRule, admin: User, at: datetime, cleared: int, *, is_confirmed: bool) -> None:
    before, decided_at = at - timedelta(days=rule.days), at + timedelta(hours=6)
    found = RetentionList.objects.create(
        rule=rule, before=before, count=cleared or 41, oldest=before - timedelta(days=31),
        newest=before - timedelta(hours=3), listed_at=at, decided_at=decided_at, decided_by=admin, cleared=cleared,
        state="done" if is_confirmed else "declined", done_at=decided_at if is_confirmed else None,
    )  # fmt: skip
    label = retention.KINDS[rule.kind].label
    if is_confirmed:
        what = f"确认清理到期的{label} {cleared} 条"
        _say(found, "retention_confirmed", what, by=admin, at=decided_at, to="confirmed")
        _say(found, "retention_cleared", f"已清理到期的{label} {cleared} 条", by=None, at=decided_at, to="done")
    else:
        _say(found, "retention_declined", f"这次不清理到期的{label}", by=admin, at=decided_at, to="declined")


def _say(
    target: ChannelRule | RetentionList, verb: str, what: str, *, by: User | None, at: datetime, to: str = ""
) -> None:
    entry: Entry = entry_for(target, verb, by=by, what=what, stage=Stage.FILE, to_state=to)
    entry.at = at
    entry.save()
