"""保存期限: listed, confirmed by a second pair of eyes, cleared in parts; never what an open matter needs."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from command_room.services import retention
from command_room.services.retention import KINDS
from command_room.views import retention as views
from enforcement.models import Caller, Event
from notifications.models import Delivery, Message
from records.models import Access, Attachment, ClearedFile, Entry, RetentionList, RetentionRule
from records.services import access
from records.services.attachment import attach
from tests.cast import Cast, PostFactory, client_for
from tests.enforcement import walk
from tests.pictures import jpeg
from townships.models import Role, User

YEARS = timedelta(days=365 * 4)
pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture(autouse=True)
def _begun(db: None, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.EMAIL_FILE_PATH = tmp_path / "files", str(tmp_path / "mail")
    retention.load_rules()


def listed(kind: str) -> RetentionList | None:
    return RetentionList.objects.filter(rule__kind=kind, state="listed").first()


def confirmed(kind: str, by: User) -> RetentionList:
    found = listed(kind)
    assert found is not None
    assert retention.confirm(found, by=by, seen_count=found.count)
    return found


def closed(cast: Cast, years: timedelta = YEARS) -> Event:
    """An event that was closed so long ago, with who had called."""
    event = walk.event(cast)
    Caller.objects.create(event=event, name="来电群众甲", phone="13800010001")
    Event.objects.filter(pk=event.pk).update(
        state="settled", closed_at=timezone.now() - years, closed_by=cast.duty, reported_at=timezone.now() - years
    )
    return event


def test_every_kind_has_a_rule_no_shorter_than_its_floor(cast: Cast) -> None:
    rules = retention.rules()
    assert rules.keys() == KINDS.keys()
    retention.load_rules()
    assert retention.rules() == rules
    assert all(rules[code].days >= kind.floor for code, kind in KINDS.items())
    assert KINDS["access"].floor >= 3 * 365


def test_caller_is_anonymised_only_after_the_confirmation_and_never_while_open(cast: Cast) -> None:
    old, young = closed(cast), closed(cast, timedelta(days=30))
    open_one = walk.event(cast)
    Caller.objects.create(event=open_one, name="来电群众乙", phone="13800010002")
    Event.objects.filter(pk=open_one.pk).update(reported_at=timezone.now() - YEARS)
    retention.list_expired()
    found = listed("caller")
    assert found is not None
    assert (found.count, found.oldest) == (1, Event.objects.get(pk=old.pk).closed_at)
    retention.clear_confirmed()
    assert Caller.objects.exclude(phone="").count() == 3, "nobody has confirmed it"
    confirmed("caller", cast.bureau_admin)
    retention.clear_confirmed()
    assert Caller.objects.get(event=old).phone == ""
    assert {c.event_id for c in Caller.objects.exclude(phone="")} == {young.pk, open_one.pk}
    found.refresh_from_db()
    assert (found.state, found.cleared) == ("done", 1)
    verbs = list(Entry.objects.about(found).values_list("verb", flat=True))
    assert verbs == ["retention_confirmed", "retention_cleared"]
    assert Access.objects.filter(what="retention_cleared", count=1).exists()


def test_event_that_was_opened_again_after_the_listing_is_left(cast: Cast) -> None:
    event = closed(cast)
    retention.list_expired()
    confirmed("caller", cast.bureau_admin)
    Event.objects.filter(pk=event.pk).update(state="verified", closed_at=None, closed_by=None)
    retention.clear_confirmed()
    assert Caller.objects.get(event=event).phone


def test_evidence_of_a_whistle_under_appeal_stays(cast: Cast) -> None:
    whistle = walk.approved(cast)
    event = whistle.event
    Caller.objects.create(event=event, name="来电群众甲", phone="13800010001")
    past = {"closed_at": timezone.now() - YEARS, "closed_by": cast.duty, "state": "settled"}
    Event.objects.filter(pk=event.pk).update(**past)
    retention.list_expired()
    assert listed("caller") is None, "its whistle is open"


def test_younger_rows_are_not_cleared_however_late_it_is_confirmed(cast: Cast) -> None:
    closed(cast, timedelta(days=1097))
    second = closed(cast, timedelta(days=1090))
    retention.list_expired()
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        confirmed("caller", cast.bureau_admin)
        retention.clear_confirmed()
    assert Caller.objects.get(event=second).phone, "it was not on the list that was confirmed"


def test_photo_goes_and_its_seal_stays(cast: Cast) -> None:
    event, other = closed(cast, timedelta(days=3700)), walk.event(cast)
    received = timezone.now() - timedelta(days=3700)
    photo = attach(event, jpeg(), by=cast.grid, phase=Attachment.Phase.BEFORE, at=received)
    shared = attach(event, jpeg(size=(64, 48)), by=cast.grid, phase=Attachment.Phase.BEFORE, at=received)
    attach(other, jpeg(size=(64, 48)), by=cast.grid, phase=Attachment.Phase.BEFORE)
    root = Path(str(retention.settings.MEDIA_ROOT))
    for path in root.rglob("*"):
        os.utime(path, (time.time() - 9e6,) * 2)
    retention.list_expired()
    confirmed("photo", cast.bureau_admin)
    retention.clear_confirmed()
    assert ClearedFile.objects.count() == 2
    assert not (root / photo.original).exists()
    assert not (root / photo.preview).exists()
    assert (root / shared.original).exists(), "an open event has the same picture"
    assert Attachment.objects.get(pk=photo.pk).seal == photo.seal
    gone = client_for(cast.duty).get(photo.get_absolute_url())
    assert gone.status_code == 404
    retention.list_expired()
    assert listed("photo") is None, "what is gone is not listed again"


def test_messages_sessions_and_mails_go_with_their_time(cast: Cast, settings: Any) -> None:
    at = timezone.now() - YEARS
    for key, state in (("old", "sent"), ("waits", "held")):
        message = Message.objects.create(
            key=key, kind="reminded", recipient=cast.duty, data={}, link="/", created_at=at
        )
        Delivery.objects.create(message=message, channel="mail", address="x", state=state, sent_at=at)
    Session.objects.create(session_key="old", session_data="", expire_date=at)
    Session.objects.create(session_key="new", session_data="", expire_date=timezone.now())
    folder = Path(settings.EMAIL_FILE_PATH)
    folder.mkdir()
    for name, age in (("old.eml", YEARS), ("new.eml", timedelta())):
        (folder / name).write_text("x")
        os.utime(folder / name, ((timezone.now() - age).timestamp(),) * 2)
    retention.list_expired()
    for kind in ("message", "session", "mail"):
        confirmed(kind, cast.bureau_admin)
    retention.clear_confirmed()
    assert list(Message.objects.filter(key__in=["old", "waits"]).values_list("key", flat=True)) == ["waits"]
    assert set(Session.objects.values_list("session_key", flat=True)) == {"new"}
    assert [path.name for path in folder.iterdir()] == ["new.eml"]


def test_access_log_is_cleared_by_the_owner_alone(cast: Cast) -> None:
    Access.objects.create(by=cast.duty, office="x", what="logged_in", at=timezone.now() - YEARS)
    young = access.note(cast.duty, "logged_in")
    retention.list_expired()
    confirmed("access", cast.bureau_admin)
    connection.check_constraints()  # what this test's own transaction has inserted is looked at now, not at its end
    retention.clear_confirmed()
    assert Access.objects.filter(at__lt=timezone.now() - timedelta(days=1100)).exists()
    assert retention.clear_access_log() == 1
    assert Access.objects.filter(pk=young.pk).exists()
    with pytest.raises(Exception, match="append-only"):
        young.delete()


def test_list_that_waits_is_shown_however_many_have_ended_since(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SHOWN", 1)
    closed(cast)
    retention.list_expired()
    waiting = listed("caller")
    other = RetentionRule.objects.get(kind="mail")
    seen = {"before": timezone.now(), "count": 1, "decided_at": timezone.now(), "decided_by": cast.bureau_admin}
    RetentionList.objects.bulk_create(RetentionList(rule=other, state="declined", **seen) for _ in range(3))
    rows = client_for(cast.bureau_admin).get("/retention/").context["rows"]
    assert [row["waiting"] for row in rows if row["waiting"]] == [waiting]


def test_part_is_not_cleared_twice_by_two_workers(cast: Cast) -> None:
    closed(cast)
    retention.list_expired()
    found = confirmed("caller", cast.bureau_admin)
    late = RetentionList.objects.select_related("rule").get(pk=found.pk)
    retention.clear_confirmed()
    retention._clear(late, KINDS["caller"].clear)
    late.refresh_from_db()
    assert (late.state, late.cleared) == ("done", 1)
    assert Entry.objects.about(late).filter(verb="retention_cleared").count() == 1


def test_who_set_how_long_does_not_confirm(cast: Cast) -> None:
    closed(cast)
    admin, url = client_for(cast.bureau_admin), "/retention/"
    short = admin.post(f"{url}rule/", {"kind": "caller", "days": "10", "basis": "试试"})
    assert short.status_code == 422
    assert "至少保存 90 天" in short.content.decode()
    said = {"kind": "caller", "days": "200", "basis": "市里定的"}
    assert [admin.post(f"{url}rule/", said).status_code for _ in range(2)] == [302, 302]
    assert retention.rules()["caller"].days == 200
    retention.list_expired()
    found = listed("caller")
    assert found is not None
    confirm = f"{url}{found.pk}/confirm/"
    assert admin.post(confirm, {"seen_count": found.count}).status_code == 403
    assert client_for(cast.auditor).post(confirm, {"seen_count": found.count}).status_code == 403
    assert client_for(cast.auditor).get(url).status_code == 200
    other = client_for(PostFactory(unit=cast.city, role=Role.ADMIN).user)
    other.post(confirm, {"seen_count": found.count + 1})
    found.refresh_from_db()
    assert found.state == "listed", "the list had changed since it was seen"
    other.post(confirm, {"seen_count": found.count})
    found.refresh_from_db()
    assert found.state == "confirmed"
    assert other.post(f"{url}{found.pk}/decline/").status_code == 303, "too late to decline, and it is said"


def test_change_of_the_rule_puts_the_waiting_list_aside(cast: Cast) -> None:
    closed(cast)
    retention.list_expired()
    retention.set_rule("caller", days=400, basis="x", by=cast.bureau_admin)
    assert listed("caller") is None
    retention.list_expired()
    retention.list_expired()
    assert RetentionList.objects.filter(rule__kind="caller", state="listed").count() == 1


def test_rule_sent_twice_is_one_row(cast: Cast) -> None:
    rules = [retention.set_rule("mail", days=40, basis="同一次", by=cast.bureau_admin) for _ in range(2)]
    assert rules[0] == rules[1]
    assert Entry.objects.filter(verb="retention_rule_set").count() == 1


def test_second_job_at_once_counts_on_and_ends_nothing_twice(cast: Cast) -> None:
    """It has read the list before the first one was through with it."""
    Session.objects.create(session_key="a", session_data="", expire_date=timezone.now() - timedelta(days=100))
    retention.list_expired()
    found = confirmed("session", by=cast.bureau_admin)
    stale = RetentionList.objects.select_related("rule").get(pk=found.pk)
    retention.clear_confirmed()
    retention._clear(stale, lambda _: pytest.fail("nothing is cleared after the end"))
    found.refresh_from_db()
    assert (found.state, found.cleared) == ("done", 1)
    assert Entry.objects.about(found).filter(verb="retention_cleared").count() == 1
