"""The demo data: true to the portal's own rules at whatever hour it is loaded, and rich enough to show everything."""

import csv
import stat
from collections import Counter
from datetime import datetime
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from command_room.demo import accounts
from command_room.demo.cast import GANLIN, SLUGS
from command_room.demo.load import load
from command_room.demo.matters import DISMISS, PLACES, load_matters
from command_room.demo.photos import SCENES as PHOTOGRAPHED
from command_room.demo.stage import SCENES
from command_room.services import retention, worklist
from command_room.templatetags.look import tone_of
from enforcement.models import (
    Appeal,
    Category,
    Check,
    Dispatch,
    Escalation,
    Event,
    Handover,
    Limit,
    Lot,
    Report,
    Whistle,
)
from enforcement.rules.clocks import next_due, whistle_next_due, whistle_state
from enforcement.rules.deadlines import assembled
from enforcement.services import appeal as appeals
from enforcement.services import escalation
from enforcement.services.clocks import course_of, part_of
from enforcement.services.limit import accept_due, whistle_clocks
from enforcement.services.reds import third_reds
from notifications.models import ChannelRule, Delivery, Message
from records.models import Attachment, Entry, Job, PublicLink, RetentionList
from records.services.number import next_number
from records.services.seal import is_intact
from townships import people
from townships.models import Post, Role, ShiftNote, Unit, User


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


MORNING = moment("2026-11-24 10:42")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rules")]


# --- true to the rules ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "now",
    [moment("2026-11-28 03:15"), moment("2026-12-30 16:50")],
    ids=["saturday night", "year's end"],
)
def test_load_stores_what_the_rules_compute(now: datetime) -> None:
    load(seed=1, now=now, events=250)
    check_clocks()
    check_ties()
    check_timeline(now)
    check_outside()
    check_first_sweep(now)
    has_provisional = Whistle.objects.filter(state__in=Whistle.OPEN).exclude(provisional=[]).exists()
    assert has_provisional == (now.month == 12)  # 2027 is not loaded


def check_clocks() -> None:
    parts: dict[int, list[Dispatch]] = {}
    for dispatch in Dispatch.objects.order_by("id"):
        parts.setdefault(dispatch.whistle_id, []).append(dispatch)
        assert dispatch.next_due == next_due(part_of(dispatch)), dispatch
    for whistle in Whistle.objects.all():
        if whistle.sent_at is None:
            assert whistle.pk not in parts
            assert whistle.next_due == (whistle.approve_due if whistle.is_open else None)
        elif whistle.is_open:
            rows = [part_of(dispatch) for dispatch in parts[whistle.pk]]
            due = whistle_next_due(rows, whistle.eval_due, whistle.resume_due)
            assert (whistle.state, whistle.next_due) == (whistle_state(rows), due)
        else:
            assert whistle.next_due is None
    for whistle in Whistle.objects.exclude(sent_at=None).order_by("-id")[:60]:
        lead, course = parts[whistle.pk][0], course_of(whistle)
        rules = whistle_clocks(whistle.kind, whistle.sent_at)
        counted = rules.dues(whistle.sent_at, course.granted.get(lead.pk, ()), course.paused)
        dues, provisional = assembled(*counted, whistle.assemble_at)
        assert (lead.sign_due, lead.arrive_due, lead.report_due, lead.finish_due) == (
            dues.sign_due,
            dues.arrive_due,
            dues.report_due,
            dues.finish_due,
        )
        assert set(lead.provisional) - {"rework_due", "return_due"} == provisional - {"eval_due"}
    for event in Event.objects.order_by("-id")[:60]:
        assert event.accept_due == accept_due(event).at


def check_ties() -> None:
    """What an event says of its hand-overs and merged reports is what there is."""
    asked = set(Handover.objects.filter(state="asked").values_list("event_id", "to_township_id"))
    assert set(Event.objects.exclude(offered_to=None).values_list("pk", "offered_to_id")) == asked
    heads = set(Event.objects.exclude(merged_into=None).values_list("merged_into_id", flat=True))
    tied = heads | set(Handover.objects.values_list("event_id", flat=True))
    assert asked and heads
    assert set(Event.objects.filter(has_ties=True).values_list("pk", flat=True)) == tied


def check_timeline(now: datetime) -> None:
    """Nothing happens after now; what the last step says is where each thing stands."""
    assert not Entry.objects.filter(at__gt=now, by__isnull=False).exists()
    assert not Event.objects.filter(changed_at__gt=now).exists()
    for model in (Event, Whistle, Dispatch):
        of_type = ContentType.objects.get_for_model(model)
        rows = Entry.objects.filter(target_type=of_type).exclude(to_state="").order_by("at", "id")
        last = dict(rows.values_list("target_id", "to_state"))
        for obj in model._default_manager.all():
            followed = isinstance(obj, Whistle) and obj.state in ("signed", "handling", "reported")
            assert followed or last[obj.pk] == obj.state, obj


def check_outside() -> None:
    """No message waits, no photo is broken, no person is real, and the next number is a new one."""
    assert not Delivery.objects.exclude(state="sent").exists()
    assert Message.objects.exists()
    assert all(is_intact(attachment) for attachment in Attachment.objects.all())
    assert not User.objects.exclude(mobile__startswith="1380000").exists()
    assert not User.objects.exclude(email__endswith=".invalid").exists()
    newest = Event.objects.filter(township__code=GANLIN).order_by("-id").first()
    assert newest is not None
    fresh = next_number("事", GANLIN, newest.reported_at.astimezone(ZoneInfo("Asia/Shanghai")).date())
    assert not Event.objects.filter(number=fresh).exists()


def check_first_sweep(now: datetime) -> None:
    """What was late when the demo was loaded has been told: the first sweep tells nobody, and leaves nothing to do."""
    before = Escalation.objects.count(), Message.objects.count()
    with mock.patch.object(timezone, "now", return_value=now):
        escalation.sweep()
    assert (Escalation.objects.count(), Message.objects.count()) == before
    for model in (Dispatch, Whistle, Event):
        assert not model._default_manager.filter(alarm_at__lte=now).exists()


def test_load_from_one_seed_gives_the_same() -> None:
    first = drawn()
    assert first == drawn()
    assert len(first) > len(SCENES) - 5


def drawn() -> list[tuple[object, ...]]:
    """What a load writes; taken back."""
    with transaction.atomic():
        load(seed=5, now=MORNING, events=20)
        rows = Event.objects.order_by("id").values_list("number", "title", "state", "reported_at", "result")
        found = list(rows)
        transaction.set_rollback(True)
    return found


# --- rich enough --------------------------------------------------------------------------------------------------------
def test_demo_shows_everything() -> None:
    load(seed=330683, now=MORNING)
    shows_every_state_in_every_colour(MORNING)
    shows_every_unit_and_role()
    shows_what_is_judged_and_what_goes_elsewhere(MORNING)
    shows_every_level_and_a_third_red(MORNING)
    gives_every_account_something_to_do(MORNING)
    shows_a_squad_with_its_cares(MORNING)
    opens_the_portal_to_the_accounts_alone()
    shows_what_desks_and_the_administrator_did(MORNING)
    check_clocks()
    check_timeline(MORNING)
    check_outside()
    check_first_sweep(MORNING)


def shows_every_state_in_every_colour(now: datetime) -> None:
    rows = Whistle.objects.filter(state__in=Whistle.OPEN).values_list("state", "next_due")
    seen = {(state, tone_of(due, now)) for state, due in rows}
    wanted = {(state, tone) for state in Whistle.OPEN for tone in ("late", "soon", "ok")}
    # an evaluation is due, and a suspension over, at midnight: soon only in the late evening
    assert wanted - seen <= {("reported", "soon"), ("suspended", "soon")}
    assert set(Whistle.objects.values_list("state", flat=True)) == set(Whistle.State.values)
    assert set(Dispatch.objects.values_list("state", flat=True)) == set(Dispatch.State.values)
    assert set(Event.objects.values_list("state", flat=True)) == set(Event.State.values)
    assert set(Whistle.objects.values_list("kind", flat=True)) == set(Whistle.Kind.values)
    assert set(Event.objects.values_list("source", flat=True)) == set(Event.Source.values)
    assert set(Event.objects.exclude(dismissal="").values_list("dismissal", flat=True)) == set(DISMISS)
    assert set(Report.objects.exclude(result="").values_list("result", flat=True)) >= {"solved", "ordered", "filed"}
    assert 2500 < Event.objects.count() < 3500
    assert 1000 < Whistle.objects.count() < 1500
    at_ganlin = Whistle.objects.filter(by_unit__code=GANLIN, state__in=Whistle.OPEN)
    assert set(at_ganlin.values_list("state", flat=True)) == set(Whistle.OPEN)
    assert at_ganlin.filter(approved_at=None, sent_at__isnull=False).exists()


def shows_what_is_judged_and_what_goes_elsewhere(now: datetime) -> None:
    """Each answer from the spot, each end of an appeal and of a hand-over; each account that has to act has something."""
    assert set(Check.objects.values_list("state", flat=True)) == set(Check.State.values)
    assert set(Appeal.objects.values_list("state", flat=True)) == set(Appeal.State.values)
    assert set(Handover.objects.values_list("state", flat=True)) == set(Handover.State.values)
    assert Dispatch.objects.exclude(tags=[]).exists()
    assert Dispatch.objects.filter(state="closed", arrived_at__isnull=False, stars=None).exists()
    assert Event.objects.filter(state="merged", merged_into__state__in=["settled", "whistled", "squad"]).exists()
    verbs = {
        name: {act.verb for act in worklist.acts(User.objects.get(username=name), now)}
        for name in ("ganlin-grid", "ganlin-duty", "zdb-officer")
    }
    assert "去核查" in verbs["ganlin-grid"]
    assert {"答复移交", "收回或自办"} <= verbs["ganlin-duty"]
    assert "裁定申诉" in verbs["zdb-officer"]
    low = Dispatch.objects.filter(department__code="scjg", state="closed", stars__lte=2, appeal=None)
    assert any(appeals.due_of(dispatch).at > now for dispatch in low)  # type: ignore[union-attr]
    waiting = ShiftNote.objects.get(taken_over_at=None)
    assert waiting.township.code == GANLIN
    assert waiting.written_by.username != "ganlin-duty"  # who is to take it over


def shows_every_unit_and_role() -> None:
    assert set(Post.objects.values_list("role", flat=True)) == set(Role.values)
    with_desk = set(Post.objects.filter(role=Role.DUTY).values_list("unit__code", flat=True))
    assert with_desk == set(SLUGS) == set(Unit.objects.townships().values_list("code", flat=True))
    with_liaison = set(Post.objects.filter(role=Role.LIAISON).values_list("unit_id", flat=True))
    assert with_liaison == set(Unit.objects.departments().values_list("pk", flat=True))
    assert set(Event.objects.values_list("township__code", flat=True)) == set(SLUGS)


def shows_every_level_and_a_third_red(now: datetime) -> None:
    levels = Counter(Escalation.objects.values_list("level", flat=True))
    assert all(levels[level] > 10 for level in (1, 2, 3)), levels
    assert not Escalation.objects.filter(at__gt=now).exists()
    assert Escalation.objects.filter(level=2).running().exists()
    assert Escalation.objects.filter(level=3).running().exists()
    assert third_reds(now)
    numbers = Escalation.objects.filter(level=3).values_list("number", flat=True)
    assert len(set(numbers)) == len(numbers)
    assert ShiftNote.objects.filter(taken_over_at=None).count() == 1
    assert ShiftNote.objects.exclude(taken_over_at=None).count() > 15
    assert not ShiftNote.objects.filter(at__gt=now).exists()


def gives_every_account_something_to_do(now: datetime) -> None:
    for name in set(accounts.ACCOUNTS) - {"bureau-admin"}:
        user = User.objects.get(username=name)
        assert worklist.acts(user, now), name
        assert user.has_usable_password()
        assert not user.must_change_password
    assert len(User.objects.get(username="ganlin-leader").active_posts()) == 2
    told_something = {"ganlin-grid", "ganlin-duty", "ganlin-leader", "scjg-liaison", "zrzy-liaison", "zfj-liaison"}
    unread = Message.objects.unread().values_list("recipient__username", flat=True)
    assert told_something <= set(unread)


def shows_a_squad_with_its_cares(now: datetime) -> None:
    ganlin = Unit.objects.get(code=GANLIN)
    squad = people.roster(ganlin, now.date())
    assert sorted(place.days_left for place in squad if place.is_expiring) == [-6, 12]
    assert people.completeness(squad).missing == ("自然资源局派驻",)
    assert [person for person in people.on_duty_now(ganlin, now) if person.shift]
    assert Limit.objects.exists()


def opens_the_portal_to_the_accounts_alone() -> None:
    """The file is its owner's, and what stands in it opens the log-in page."""
    file = accounts.path()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["username"] for row in rows] == list(accounts.ACCOUNTS)
    assert list(rows[0]) == ["username", "password", "role", "unit", "totp"]
    assert len({row["password"] for row in rows}) == len(rows)
    assert not any(row["totp"] for row in rows)
    duty = next(row for row in rows if row["username"] == "ganlin-duty")
    assert (duty["role"], duty["unit"]) == ("指挥室值班员", "甘霖镇")
    response = Client().post("/login/", {"username": duty["username"], "password": duty["password"]})
    assert response.status_code == 302
    assert not User.objects.get(username="ganlin-duty-2").has_usable_password()


def shows_what_desks_and_the_administrator_did(now: datetime) -> None:
    """An export to fetch, a lot with its outcomes, a channel rule that begins later, lists that wait for a yes."""
    for job in Job.objects.all():
        (made,) = job.files
        assert (job.state, made["rows"]) == ("done", job.total)
        assert (Path(settings.MEDIA_ROOT) / made["path"]).stat().st_size == made["size"]
        assert job.expires_at and job.expires_at > now
    assert {job.by.username for job in Job.objects.select_related("by")} == {"ganlin-duty", "zdb-officer"}
    lot = Lot.objects.get()
    done = [one["id"] for one in lot.outcomes if one["is_done"]]
    assert len(done) >= 3
    assert Escalation.objects.filter(dispatch__in=done, level=1, at=lot.at).count() == len(done)
    purposes = PublicLink.objects.valid(now).values_list("purpose", flat=True)
    assert set(purposes) == set(PublicLink.Purpose.values)
    assert ChannelRule.objects.get().valid_from > now
    assert not ChannelRule.objects.on(now).exists()
    assert set(RetentionList.objects.values_list("rule__kind", "state")) == {
        ("session", "listed"), ("session", "done"), ("session", "declined"),
    }  # fmt: skip
    for one in RetentionList.objects.filter(state="listed").select_related("rule"):
        assert one.may_decide(User.objects.get(username="bureau-admin"))
        assert retention.KINDS[one.rule.kind].find(one.before).count == one.count


# --- only where it may --------------------------------------------------------------------------------------------------
def test_load_demo_refuses_a_database_that_is_not_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "EMBEDDED_DATABASE", False)
    with pytest.raises(CommandError, match="yes-this-is-not-production"):
        call_command("load_demo")
    assert not User.objects.exists()


def test_load_demo_refuses_to_load_twice() -> None:
    User.objects.create(username=accounts.ACCOUNTS[0], name="甘霖镇网格员一")
    with pytest.raises(CommandError, match="demo-reset"):
        call_command("load_demo", yes_this_is_not_production=True)


# --- the words ----------------------------------------------------------------------------------------------------------
def test_matters_name_what_there_is() -> None:
    matters = load_matters()
    departments = set(Unit.objects.departments().values_list("code", flat=True))
    codes = set(Category.objects.values_list("code", flat=True))
    assert len({matter.code for matter in matters}) == len(matters)
    for matter in matters:
        assert matter.code in codes, matter.code
        assert matter.where in PLACES
        assert not matter.scene or matter.scene in PHOTOGRAPHED
        assert bool(matter.lead) == bool(matter.whistled) == bool(matter.done)
        assert {matter.lead, *matter.helpers} - {""} <= departments, matter.code
        assert matter.why in {*Whistle.Why.values, ""}
        assert set(matter.results) <= set(Report.Result.values)
        assert all(len(matter.title.format(p=place, n=9)) <= 60 for place in PLACES[matter.where])
