"""Every form that a page offers, sent as its page never would: what is refused leaves every table as it was."""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from enforcement.models import Event
from tests.attack.crawl import ALL, Answer, Form, Watch, asked
from tests.attack.offered import FIRST, collect, filled
from tests.attack.world import STRANGERS, World, leaks
from tests.cast import client_for
from townships.models import User

# what a form needs besides what anybody would fill in
PECULIAR: dict[str, dict[str, Any]] = {
    "enforcement:event-report": {"caller_phone": "", "find": None, "browse": None},
    "enforcement:dispatch-arrive": {"officers": FIRST, "uses_power": None},
    "command_room:saved-filter-rename": {"name": "改个名字"},
    "command_room:saved-filter-save": {"code": "events", "query": "q=演示"},
    "enforcement:action-submit": {f"task_{pk}": None for pk in range(1, 200)},
    "command_room:retention-rule": {"days": "4000", "basis": "演示"},
}
# the request that they answer, or make, is what is locked and looked at: in whatever state the file itself stands
OF_A_REQUEST = {
    "enforcement:dispatch-assign",
    "enforcement:extension-ask",
    "enforcement:extension-grant",
    "enforcement:extension-refuse",
    "enforcement:suspension-ask",
    "enforcement:suspension-approve",
    "enforcement:suspension-refuse",
}
# not a form about anybody's rows but the session's own: tests/townships/test_account.py, test_second_factor.py
SESSIONS = {
    "townships:logout",
    "townships:password-change",
    "townships:second-factor-setup",
    "townships:second-factor-off",
    "townships:switch-post",
}
# what anybody has of their own, auditors too
ONES_OWN = {
    "command_room:feedback",
    "command_room:saved-filter-save",
    "notifications:preference",
    "notifications:read-all",
    "enforcement:export",
}


@dataclass
class Offer:
    name: str
    client: Client
    user: User
    form: Form
    data: dict[str, Any]
    status: int = 0  # of the good form, as its page would send it
    changes: list[str] = dataclasses.field(default_factory=list)  # the tables that it changes
    stored: Counter[str] = dataclasses.field(default_factory=Counter)  # what is in them then
    makes: list[type[models.Model]] = dataclasses.field(default_factory=list)  # the kinds of rows that have its number

    def sent(self, watch: Watch, data: dict[str, Any], *, by: Client | None = None, how: str = "POST") -> Answer:
        return asked(by or self.client, how, self.form.action, data if how == "POST" else None)


@pytest.fixture(scope="package")
def offers(attacked: World, django_db_blocker: Any) -> list[Offer]:
    clients: dict[str, Client] = {}
    found = []
    for name, (part, form) in sorted(collect(attacked).items()):
        if name in SESSIONS:
            continue
        user = attacked["neighbour"] if part == "neighbour" else getattr(attacked.cast, part)
        client = clients.setdefault(part, client_for(user))
        found.append(Offer(name, client, user, form, filled(form, PECULIAR.get(name, {}))))
        if name == "enforcement:action-submit":
            found[-1].data[f"task_{found[-1].data['lead']}"] = "演示任务"
    with django_db_blocker.unblock():
        for offer in found:
            send_well(offer)
    return found


def send_well(offer: Offer) -> None:
    watch = Watch()
    with watch.undone():
        offer.status = offer.sent(watch, offer.data).status
        offer.changes, offer.stored = watch.changed(), stored(watch.tried)
        used = offer.data.get("request_id")
        offer.makes = [model for model in NUMBERED if used and model._default_manager.filter(request_id=used).exists()]


NUMBERED = [model for model in apps.get_models() if any(one.name == "request_id" for one in model._meta.fields)]


def test_every_verb_has_a_form(world: World, offers: list[Offer]) -> None:
    """A verb that is added is attacked by itself as soon as a page offers it, and fails here until one is found."""
    client = client_for(world.cast.duty)
    keyed = [one for one in ALL if one.keys and not one.is_admin]
    verbs = {one.name for one in keyed if asked(client, "GET", one.url(*[0] * len(one.keys))).status == 405}
    verbs |= {name for name, text in world.before["changle_duty"].items() if "'Allow': 'POST'" in text}
    assert len(verbs) > 50
    assert verbs - {offer.name for offer in offers} - SESSIONS == set()


def test_good_forms_are_taken(world: World, offers: list[Offer]) -> None:
    """Else nothing that follows could fail."""
    wrong = [
        f"{offer.name} {offer.form.action} {offer.status} {offer.data}"
        for offer in offers
        if not offer.changes and offer.name != "enforcement:export"
    ]
    assert not wrong, "\n".join(wrong)


# whose page says itself that the link was made before, and is not shown a second time
WARNING = {"command_room:wall-links"}


# --- refused, and nothing written ---------------------------------------------------------------------------------------
Forgery = Iterator[tuple[str, dict[str, Any]]]


def refused(offers: list[Offer], forge: Callable[[int, Offer], Forgery]) -> None:
    """Each forgery of each form: no 500, and no table is another than before."""
    watch, wrong, tried = Watch(), [], 0
    for turn, offer in enumerate(offers):
        for label, data in forge(turn, offer):
            tried += 1
            with watch.undone():
                answer = offer.sent(watch, data)
                found = watch.changed()
                # led on as if it had been taken: what was written would be lost
                is_silent = label.startswith("used") and answer.status == 302 and offer.name not in WARNING
                if answer.status >= 500 or found or is_silent:
                    wrong.append(f"{offer.name} {label}: {answer.status} {found}")
    assert tried
    assert not wrong, "\n".join(wrong)


def without(data: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != name}


def test_seen_state_that_is_not_true(world: World, offers: list[Offer]) -> None:
    def forge(turn: int, offer: Offer) -> Forgery:
        if "seen_state" in offer.data:
            if offer.name not in OF_A_REQUEST:
                yield "forged", {**offer.data, "seen_state": ("forged", "closed", "甲\0乙", "x" * 5000)[turn % 4]}
            if turn % 2:
                yield "missing", without(offer.data, "seen_state")

    refused(offers, forge)


def test_id_of_the_form_that_is_none_or_anothers(world: World, offers: list[Offer]) -> None:
    """A number that somebody else's form had: neither is theirs changed nor mine made."""

    def forge(turn: int, offer: Offer) -> Forgery:
        if "request_id" in offer.data and offer.name not in ("enforcement:export", "enforcement:lot-run"):
            wrong = ("1", "0" * 31, "甲" * 36, "9" * 5000, "甲\0乙")[turn % 5]
            yield "malformed", {**offer.data, "request_id": wrong} if turn % 3 else without(offer.data, "request_id")
            for used in ids_of_others(offer):
                yield f"used {used}", {**offer.data, "request_id": used}

    refused(offers, forge)


def ids_of_others(offer: Offer) -> list[str]:
    """Of every kind of row that this form makes: of another person's, or of an earlier one of the same."""
    earlier = (
        model._default_manager.order_by("pk").values_list("request_id", flat=True).first() for model in offer.makes
    )
    return [str(one) for one in earlier if one]


# fields that say how much or how far, not which: any number is an answer
AMOUNTS = {"amount", "newest", "days", "seen_count", "on"}


def chooses(offer: Offer) -> Iterator[str]:
    for one in offer.form.fields.values():
        is_choice = one.kind in ("select", "radio") or (one.kind == "checkbox" and len(set(one.values)) > 1)
        is_key = one.kind == "hidden" and one.value.isdigit() and one.name not in AMOUNTS
        if (is_choice or is_key) and one.name in offer.data:
            yield one.name


def test_choice_that_was_not_offered(world: World, offers: list[Offer]) -> None:
    """Somebody else's grid, person, event, and what is no key at all."""
    cast, own = world.cast, world.own
    foreign = [cast.changle_grid.pk, cast.changle_duty.pk, own["event"].pk, own["whistle"].pk, own["dispatch"].pk]
    nonsense = ["0", "-1", "9" * 30, "9" * 5000, "甲\0乙", "null", "1 OR 1=1", "{}", "²"]

    def forge(turn: int, offer: Offer) -> Forgery:
        offered = {value for field in offer.form.fields.values() for value in field.values}
        for number, name in enumerate(chooses(offer)):
            is_class = name == "category"  # any class of the city's may be named, also one that was not proposed
            theirs = next(f"{pk}" for pk in (*foreign[number:], *foreign, 10**9) if f"{pk}" not in offered)
            for value in (
                (theirs,) if (turn + number) % 2 and not is_class else (nonsense[(turn + number) % len(nonsense)],)
            ):
                yield f"{name}={value[:20]}", {**offer.data, name: value}

    refused(offers, forge)


# where a note is cut and a NUL left out instead: so are the tasks of an action, see test_hostile_requests.py
CUTTING = {"townships:member-status"}
TEXTS = ("text", "textarea", "search", "tel")


def test_text_that_the_database_cannot_hold(world: World, offers: list[Offer]) -> None:
    def forge(turn: int, offer: Offer) -> Forgery:
        fields = offer.form.fields.values()
        texts = [f.name for f in fields if f.kind in TEXTS and f.name in offer.data and "task_" not in f.name]
        if offer.name in CUTTING:
            return
        for name in texts:
            yield f"{name} NUL", {**offer.data, name: "甲\0乙"}
        for name in texts[:1] if turn % 3 == 0 else ():
            yield f"{name} too long", {**offer.data, name: "甲" * 70_000}

    refused(offers, forge)


def test_nonsense_in_every_field_is_a_sentence(world: World, offers: list[Offer]) -> None:
    """Whatever it is, nobody gets a 500."""
    values = [
        "9" * 5000,
        "9999-12-31",
        "0000-00-00",
        "0001-01-01T00:00",
        "NaN",
        "-1e999",
        "%00%c0%80",
        "[",
        "\u2028'\"<",
    ]
    watch, wrong = Watch(), []
    for turn, offer in enumerate(offers):
        kept = {name: value for name, value in offer.data.items() if name in ("seen_state", "request_id")}
        names = [name for name in offer.form.fields if name not in (*kept, "csrfmiddlewaretoken")]
        said = {name: values[(turn + number) % len(values)] for number, name in enumerate(names)}
        with watch.undone():
            answer = offer.sent(watch, {**said, **kept})
            if answer.status >= 500:
                wrong.append(f"{offer.name} {turn}: {answer.status}")
    assert not wrong, "\n".join(wrong)


# --- the right form from the wrong hands ---------------------------------------------------------------------------------
def test_good_form_from_another_site_is_refused(world: World, offers: list[Offer]) -> None:
    """Without the token of the session nothing is done, whoever is signed in."""
    watch, wrong = Watch(), []
    for offer in offers:
        client = Client(enforce_csrf_checks=True)
        client.cookies = offer.client.cookies
        with watch.undone():
            answer = offer.sent(watch, offer.data, by=client)
            if answer.status != 403 or watch.changed():
                wrong.append(f"{offer.name}: {answer.status} {watch.changed()}")
    assert not wrong, "\n".join(wrong)


def test_good_form_by_another_method_does_nothing(world: World, offers: list[Offer]) -> None:
    watch, wrong = Watch(), []
    for turn, offer in enumerate(offers):
        how = ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")[turn % 6]
        with watch.undone():
            answer = offer.sent(watch, offer.data, how=how)
            if answer.status >= 500 or watch.changed():
                wrong.append(f"{how} {offer.name}: {answer.status} {watch.changed()}")
    assert not wrong, "\n".join(wrong)


def test_good_form_from_a_stranger_is_not_there(world: World, offers: list[Offer]) -> None:
    """True in every field, as somebody might copy it from a colleague's screen."""
    keyed = {one.name for one in ALL if one.keys}
    watch, wrong = Watch(), []
    for turn, offer in enumerate(offers):
        if offer.name not in keyed or offer.name == "enforcement:export":
            continue
        part = STRANGERS[turn % len(STRANGERS)]
        with watch.undone():
            answer = offer.sent(watch, offer.data, by=world["clients"][part])
            if answer.status not in (403, 404) or watch.changed() or leaks(answer.text):
                wrong.append(f"{part} {offer.name}: {answer.status} {watch.changed()} {leaks(answer.text)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", ["auditor", "grid"])
def test_good_form_from_who_may_only_look_changes_nothing(world: World, offers: list[Offer], part: str) -> None:
    client, watch, wrong = client_for(getattr(world.cast, part)), Watch(), []
    theirs = {"enforcement:event-report", "enforcement:check-answer"} if part == "grid" else set()
    for offer in offers:
        if offer.name in ONES_OWN | theirs:
            continue
        with watch.undone():
            answer = offer.sent(watch, offer.data, by=client)
            if answer.status not in (302, 303, 403, 404) or watch.changed():
                wrong.append(f"{part} {offer.name}: {answer.status} {watch.changed()}")
    assert not wrong, "\n".join(wrong)


# --- more than the form has ----------------------------------------------------------------------------------------------
def test_fields_that_the_form_has_not_are_not_taken(world: World, offers: list[Offer]) -> None:
    """What is stored with them is what is stored without: no state, unit, person or text comes in by the side."""
    extra = extras(world)
    watch, wrong = Watch(), []
    for offer in offers:
        more = {name: value for name, value in extra.items() if name not in offer.form.fields}
        with watch.undone():
            offer.sent(watch, {**more, **offer.data})
            both = stored(watch.tried)
        if both != offer.stored:
            missing = list((offer.stored - both).elements())[:3]
            wrong.append(f"{offer.name}: {list((both - offer.stored).elements())[:3]} instead of {missing}")
    assert not wrong, "\n".join(wrong)


def extras(world: World) -> dict[str, Any]:
    """Every column of the files' tables, foreign keys to what is 长乐镇's."""
    cast, own = world.cast, world.own
    found: dict[str, Any] = {
        "approve": "1",
        "is_staff": "1",
        "role": "admin",
        "_method": "DELETE",
        "id": own["event"].pk,
    }
    for model in apps.get_app_config("enforcement").get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey):
                to = {User: cast.changle_duty, Event: own["event"]}.get(field.related_model, cast.changle)
                found[field.name] = found[field.attname] = to.pk
            elif isinstance(field, models.CharField | models.TextField) and not field.choices:
                found[field.name] = "夹带"
            elif field.choices:
                found[field.name] = str(field.choices[-1][0])
    return {name: value for name, value in found.items() if name not in ("seen_state", "request_id")}


def stored(tables: set[str]) -> Counter[str]:
    """Every row of these tables without what is another each time: keys, moments, numbers."""
    found: Counter[str] = Counter()
    for model in apps.get_models():
        if model._meta.db_table in tables and model._meta.app_label not in ("sessions",):
            kept = [field.attname for field in model._meta.concrete_fields if keeps(field)]
            label = model._meta.label
            rows = model._default_manager.values_list(*kept)
            found.update(f"{label} {re.sub(r'(?<=/)[0-9]+(?=/)', '…', str(values))}" for values in rows)
    return found


NAMES_OF_ONE = ("number", "key", "token_hash", "target_id", "last")  # another with each row


def keeps(field: Any) -> bool:
    is_text = isinstance(field, models.CharField | models.TextField | models.BooleanField | models.IntegerField)
    is_unit = isinstance(field, models.ForeignKey) and field.related_model._meta.app_label == "townships"
    return (is_text and not field.primary_key and field.name not in NAMES_OF_ONE) or is_unit
