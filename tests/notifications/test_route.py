"""By which channel a person is told, what waits for the morning, and which channel takes over when one fails."""

import logging
import smtplib
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from notifications import kinds
from notifications.models import Delivery, Message, MessagePreference
from notifications.services import broker, outbox, preference
from notifications.transports import robot, sms
from notifications.transports.errors import Away, Busy, Refused
from notifications.transports.letter import Letter
from tests.cast import Cast, PostFactory, UserFactory
from tests.notifications.transports import Scripted
from townships.models import User

HERE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 24, 10, 0, tzinfo=HERE)
NIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=HERE)
MORNING = datetime(2026, 11, 25, 7, 0, tzinfo=HERE)
URGENT = kinds.DispatchSent("派-1", "日常哨·急", "甘霖镇", "2026-11-25T01:00:00+08:00", "/d/1/")
NEWS = kinds.EventClosed("事-1", "占道经营", "甘霖镇", "2026-11-25T01:00:00+08:00", "/e/1/")
REMARK = kinds.RemarkWritten("派-2", "日常哨", "甘霖镇", None, "/d/2/")
GONE = smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})


@pytest.fixture
def channels(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Letter]]:
    """All three are on; what robot and gateway would get is kept."""
    settings.ROBOT_SECRETS = {"scjg": {"url": "https://chat/?access_token=x", "secret": "SEC"}}
    settings.SMS_URL = "https://sms/"
    got: dict[str, list[Letter]] = {"robot": [], "sms": []}
    monkeypatch.setattr(robot, "send", lambda line, letter: got["robot"].append(letter))
    monkeypatch.setattr(sms, "send", lambda line, letter: got["sms"].append(letter))
    return got


def tell(user: User, kind: kinds.Kind = URGENT, key: str = "k") -> Delivery:
    with transaction.atomic():
        outbox.notify(kind, to=[user], key=key)
    return Delivery.objects.get(message__key=f"{key}:{user.pk}")


def prefer(user: User, *channels: str, **wishes: object) -> None:
    MessagePreference.objects.create(user=user, channels=list(channels), **wishes)


def deliver_all() -> None:
    outbox.deliver(list(Delivery.objects.order_by("pk").values_list("pk", flat=True)))


def states(user: User) -> list[tuple[str, str]]:
    found = Delivery.objects.filter(message__recipient=user).order_by("pk")
    return list(found.values_list("channel", "state"))


# --- which channel ------------------------------------------------------------------------------------------------------
def test_who_has_chosen_nothing_is_told_by_the_first_channel_of_the_house(
    db: None, channels: object, settings: Settings
) -> None:
    settings.CHANNELS = ["sms", "mail"]
    user = UserFactory(mobile="138 0000-0001")
    delivery = tell(user)
    assert (delivery.channel, delivery.address, delivery.state) == ("sms", "13800000001", "pending")


def test_a_person_is_told_by_the_channel_chosen(db: None, channels: object) -> None:
    user = UserFactory()
    prefer(user, "sms", "mail")
    assert tell(user).channel == "sms"


@pytest.mark.parametrize("missing", [{"mobile": ""}, {"mobile": "0575-x"}])
def test_a_channel_without_an_address_is_passed_over(db: None, channels: object, missing: dict[str, str]) -> None:
    user = UserFactory(**missing)
    prefer(user, "sms", "robot", "mail")
    assert tell(user).channel == "mail"


def test_a_channel_that_is_off_is_passed_over(db: None) -> None:
    user = UserFactory()
    prefer(user, "robot", "sms", "mail")
    assert tell(user).channel == "mail"


def test_a_group_is_that_of_the_units_post(cast: Cast, channels: dict[str, list[Letter]]) -> None:
    prefer(cast.scjg_liaison, "robot", "mail")
    delivery = tell(cast.scjg_liaison)
    assert (delivery.channel, delivery.address) == ("robot", "scjg")
    deliver_all()
    assert [letter.address for letter in channels["robot"]] == ["scjg"]


def test_who_belongs_to_two_groups_is_told_otherwise(cast: Cast, channels: object, settings: Settings) -> None:
    settings.ROBOT_SECRETS = {**settings.ROBOT_SECRETS, "zrzy": {"url": "https://chat/?access_token=y", "secret": "S"}}
    PostFactory(user=cast.scjg_liaison, unit=cast.zrzy)
    prefer(cast.scjg_liaison, "robot", "mail")
    assert tell(cast.scjg_liaison).channel == "mail"


def test_a_group_hears_once_what_several_of_its_people_are_told(cast: Cast, channels: dict[str, list[Letter]]) -> None:
    people = [cast.scjg_liaison, cast.scjg_leader, cast.scjg_officer]
    for person in people:
        prefer(person, "robot")
    with transaction.atomic():
        outbox.notify(URGENT, to=people, key="k")
    deliver_all()
    (letter,) = channels["robot"]
    assert letter.kinds == (URGENT,)
    assert Delivery.objects.filter(state="sent").values("batch").distinct().count() == 1
    assert Delivery.objects.filter(state="sent").count() == 3


@pytest.mark.parametrize("people", [1, 40])
def test_preferences_cost_no_query_and_groups_one(
    db: None, channels: object, django_assert_num_queries: DjangoAssertNumQueries, people: int
) -> None:
    users = UserFactory.create_batch(people)
    for user in users[::2]:
        prefer(user, "sms")
    with django_assert_num_queries(3 + 1):
        outbox.notify(URGENT, to=users, key="k")


# --- quiet hours and the digest -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "state"), [(URGENT, "pending"), (NEWS, "held"), (REMARK, "held"), (kinds.WhistleRejected, "held")]
)
@time_machine.travel(NIGHT, tick=False)
def test_quiet_hours_hold_back_only_what_has_no_clock_running(
    db: None, kind: kinds.Kind | type[kinds.Kind], state: str
) -> None:
    delivery = tell(UserFactory(), kind.sample() if isinstance(kind, type) else kind)
    assert delivery.state == state
    assert delivery.next_at == (MORNING if state == "held" else None)


@time_machine.travel(DAY, tick=False)
def test_by_day_nothing_waits(db: None) -> None:
    assert tell(UserFactory(), NEWS).state == "pending"


@time_machine.travel(DAY, tick=False)
def test_a_persons_own_hours_hold_instead_of_the_houses(db: None) -> None:
    user = UserFactory()
    prefer(user, "mail", quiet_from=time(9), quiet_to=time(11))
    assert tell(user, NEWS).next_at == DAY.replace(hour=11)
    with time_machine.travel(NIGHT, tick=False):
        assert tell(user, NEWS, key="late").state == "pending"


def test_what_was_held_back_goes_in_the_morning_as_one(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    poked: list[int] = []
    monkeypatch.setattr(broker, "send", lambda ids: poked.extend(ids) or True)
    user = UserFactory()
    with time_machine.travel(NIGHT, tick=False):
        for key in "abcde":
            tell(user, kinds.EventClosed(f"事-{key}", "占道经营", "甘霖镇", None, f"/e/{key}/"), key=key)
        outbox.sweep()
        assert poked == []
        assert outbox.health()[1] is None  # what waits for its hour is not late
        assert not Delivery.objects.stuck(timezone.now() + timedelta(hours=1)).exists()
    with time_machine.travel(MORNING + timedelta(seconds=40), tick=False):
        outbox.sweep()
        assert len(poked) == 5
        outbox.deliver(poked)
        outbox.deliver(poked)
    (sent,) = mail.outbox
    assert sent.subject == "您上报的事件已办结 事-a 等 5 条"
    assert sent.body.count("打开办理：") == 5
    assert states(user) == [("mail", "sent")] * 5


def test_a_group_keeps_the_houses_hours(cast: Cast, channels: object, settings: Settings) -> None:
    settings.QUIET_HOURS = ""
    prefer(cast.scjg_liaison, "robot", quiet_from=time(22), quiet_to=time(7), digest_hour=8)
    with time_machine.travel(NIGHT, tick=False):
        assert tell(cast.scjg_liaison, NEWS).state == "pending"


def test_the_digest_comes_once_a_day(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    poked: list[int] = []
    monkeypatch.setattr(broker, "send", lambda ids: poked.extend(ids) or True)
    user = UserFactory()
    prefer(user, "mail", digest_hour=8)
    with time_machine.travel(DAY, tick=False):
        for key in "abc":
            assert tell(user, kinds.EventClosed(key, "m", "u", None, "/e/"), key=key).state == "held"
        outbox.deliver([tell(user, URGENT, key="clock").pk])
    eight = datetime(2026, 11, 25, 8, 0, 30, tzinfo=HERE)
    with time_machine.travel(eight, tick=False):
        for _ in range(2):  # beat twice
            outbox.sweep()
            outbox.deliver(poked)
        assert tell(user, NEWS, key="later").next_at == eight.replace(day=26, second=0)
    assert [sent.body.count("打开办理：") for sent in mail.outbox] == [1, 3]


def test_other_wishes_hold_also_for_what_waits(db: None) -> None:
    user = UserFactory()
    with time_machine.travel(NIGHT, tick=False):
        delivery = tell(user, NEWS)
        wish = {"channels": ["mail"], "quiet_from": None, "quiet_to": None}
        preference.save(user, **wish, digest_hour=9, by=user)
        delivery.refresh_from_db()
        assert delivery.next_at == MORNING.replace(hour=9)
        preference.save(user, **wish, digest_hour=None, by=user)
        delivery.refresh_from_db()
        assert delivery.next_at == NIGHT
        deliver_all()
    assert states(user) == [("mail", "sent")]


# --- the next channel ---------------------------------------------------------------------------------------------------
def test_what_fails_for_good_goes_by_the_next_channel(
    db: None,
    channels: dict[str, list[Letter]],
    transport: type[Scripted],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poked: list[int] = []
    monkeypatch.setattr(broker, "send", lambda ids: poked.extend(ids) or True)
    user = UserFactory()
    first = tell(user)
    transport.script = [GONE]
    with django_capture_on_commit_callbacks(execute=True):
        deliver_all()
    assert states(user) == [("mail", "passed_on"), ("sms", "pending")]
    following = Delivery.objects.get(channel="sms")
    assert poked == [following.pk]
    outbox.deliver(poked)
    assert states(user) == [("mail", "passed_on"), ("sms", "sent")]
    assert [letter.kinds for letter in channels["sms"]] == [(URGENT,)]
    first.refresh_from_db()
    assert first.error.startswith("SMTPRecipientsRefused")


def test_the_end_of_the_chain_is_failed(
    db: None, channels: object, transport: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(line: object, letter: Letter) -> None:
        raise Refused(f"no {letter.address}")

    monkeypatch.setattr(sms, "send", refuse)
    user = UserFactory()
    tell(user)
    transport.script = [GONE]
    deliver_all()
    deliver_all()
    assert states(user) == [("mail", "passed_on"), ("sms", "failed")]
    assert Delivery.objects.get(channel="sms").error == "Refused: no …"
    assert Message.objects.filter(recipient=user).unread().count() == 1


def test_the_mark_and_the_next_channel_are_one_transaction(
    transactional_db: None, channels: object, transport: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "send", lambda ids: True)
    user = UserFactory()
    tell(user)
    transport.script = [GONE]

    def fail(self: Delivery, **_: object) -> None:
        raise RuntimeError("the database is gone")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Delivery, "save", fail)
        deliver_all()
    assert states(user) == [("mail", "sending")]  # the sweep takes it up again
    Delivery.objects.update(claimed_at=timezone.now() - timedelta(minutes=3))
    transport.script = [GONE]
    deliver_all()
    assert states(user) == [("mail", "passed_on"), ("sms", "pending")]


def test_a_passing_failure_of_what_can_wait_is_tried_again_here(
    db: None, channels: object, transport: type[Scripted]
) -> None:
    with time_machine.travel(DAY, tick=False):
        user = UserFactory()
        tell(user, NEWS)
        Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=5))
        transport.script = [TimeoutError("timed out")]
        deliver_all()
    assert states(user) == [("mail", "retry")]


def test_what_has_a_clock_running_waits_a_minute_for_its_channel(
    db: None, channels: object, transport: type[Scripted]
) -> None:
    user = UserFactory()
    tell(user)
    transport.script = [TimeoutError("timed out")]
    deliver_all()
    assert states(user) == [("mail", "retry")]
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=1), next_at=timezone.now())
    transport.script = [TimeoutError("timed out")]
    deliver_all()
    assert states(user) == [("mail", "passed_on"), ("sms", "pending")]


def test_a_channel_that_is_down_hands_on_whatever_has_a_clock_running(
    db: None, channels: object, transport: type[Scripted]
) -> None:
    with time_machine.travel(DAY, tick=False):
        users = UserFactory.create_batch(3)
        for user, kind in zip(users, (URGENT, URGENT, NEWS), strict=True):
            tell(user, kind)
        Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        transport.script = [ConnectionRefusedError()] * 3
        deliver_all()
    assert len(transport.script) == 2  # asked once
    assert [states(user) for user in users] == [
        [("mail", "passed_on"), ("sms", "pending")],
        [("mail", "passed_on"), ("sms", "pending")],
        [("mail", "retry")],
    ]


def test_a_busy_robot_does_not_hold_the_others_up(
    cast: Cast, channels: object, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROBOT_SECRETS = {**settings.ROBOT_SECRETS, "zrzy": {"url": "https://chat/?access_token=y", "secret": "S"}}
    asked: list[str] = []

    def send(line: object, letter: Letter) -> None:
        asked.append(letter.address)
        if letter.address == "scjg":
            raise Busy("errcode 130101")

    monkeypatch.setattr(robot, "send", send)
    for person in (cast.scjg_liaison, cast.zrzy_liaison):
        prefer(person, "robot")
        tell(person)
    deliver_all()
    assert asked == ["scjg", "zrzy"]
    assert states(cast.scjg_liaison) == [("robot", "retry")]
    assert states(cast.zrzy_liaison) == [("robot", "sent")]


def test_a_gateway_that_is_away_leaves_the_mails_alone(
    db: None, channels: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(line: object, letter: Letter) -> None:
        raise Away("HTTP 503")

    monkeypatch.setattr(sms, "send", away)
    one, other = UserFactory.create_batch(2)
    prefer(one, "sms")
    tell(one)
    tell(other)
    deliver_all()
    assert states(one) == [("sms", "retry")]
    assert states(other) == [("mail", "sent")]


def test_a_row_that_kills_its_worker_each_time_goes_by_the_next_channel(
    db: None, channels: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "send", lambda ids: True)
    user = UserFactory()
    tell(user)
    past = timezone.now() - timedelta(hours=9)
    Delivery.objects.update(state="sending", attempts=6, claimed_at=past, created_at=past)
    outbox.sweep()
    assert states(user) == [("mail", "passed_on"), ("sms", "pending")]


def test_the_log_of_a_failure_names_neither_the_receiver_nor_a_secret(
    db: None, transport: type[Scripted], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_HOST_PASSWORD = "mail-password"
    delivery = tell(UserFactory())
    transport.script = [ValueError(f"{delivery.address} mail-password")]
    with caplog.at_level(logging.WARNING):
        deliver_all()
    assert "failed: ValueError: … …" in caplog.text
    assert delivery.address not in caplog.text
    assert Delivery.objects.get().error == "ValueError: … …"
