"""The forms that the portal offers, each found on a page by somebody who may send it, and filled in so that it is taken."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.urls import Resolver404, resolve
from django.utils import timezone

from tests.attack.crawl import PLAIN, Form, forms_of
from tests.attack.world import World
from tests.cast import client_for

# who finds which of 甘霖镇's pages with something to do on it, by the names of the world
FINDERS: dict[str, list[str]] = {
    "duty": [
        *("new", "called", "offered", "emergency", "lead", "submitted", "sent", "reported", "extension", "suspended"),
        *("checking", "reported_whistle", "squad_event", "note", "job", "lot_preview"),
    ],
    "officer": ["note"],
    "leader": ["submitted", "emergency", "suspension", "action", "/wall-links/"],
    "grid": ["check_event"],
    "scjg_liaison": ["lead", "sent", "signed", "arrived", "rated"],
    "scjg_leader": ["returning"],
    "zdb_officer": ["arbitrated", "appeal"],
    "neighbour": ["offered"],
    "bureau_admin": ["said", "leaver", "/retention/"],
}


def url_of(thing: Any) -> str:
    return thing if isinstance(thing, str) else str(thing.get_absolute_url())


def pages(world: World) -> Iterator[tuple[str, str]]:
    for part, names in FINDERS.items():
        yield from ((part, name if name.startswith("/") else url_of(world[name])) for name in names)
    for one in PLAIN:  # what is no page to a neighbour's desk is none to ours
        if "<form" in world.before["changle_duty"].get(one.name, ""):
            yield "duty", one.url()


def name_of(action: str) -> str:
    try:
        return resolve(action.split("?", maxsplit=1)[0]).view_name
    except Resolver404:
        return ""


def collect(world: World) -> dict[str, tuple[str, Form]]:
    """By the name of the address, who sends it and the form: the first that is found of each."""
    found: dict[str, tuple[str, Form]] = {}
    clients: dict[str, Any] = {}
    for part, page in pages(world):
        user = world["neighbour"] if part == "neighbour" else getattr(world.cast, part)
        client = clients.setdefault(part, client_for(user))
        response = client.get(page, {"all": "1"} if "?" not in page else None)
        if response.status_code != 200 or response.streaming:
            continue
        for form in forms_of(response.content.decode(), page):
            if form.action == page and set(form.fields) <= {"csrfmiddlewaretoken"}:
                continue  # its buttons name the addresses
            found.setdefault(name_of(form.action), (part, form))
    return found


FIRST = object()  # of what a field offers


def filled(form: Form, more: dict[str, Any]) -> dict[str, Any]:
    """As somebody would fill it in; `more` says what is peculiar to one form."""
    data: dict[str, Any] = {}
    for one in form.fields.values():
        if one.kind in ("file", "submit") or one.name == "csrfmiddlewaretoken":
            continue
        value = one.value.strip()
        if one.kind in ("select", "radio", "button") and not value:
            value = next((option for option in one.values if option), "")
        elif one.kind in ("text", "textarea", "search", "tel") and not value:
            value = "演示填写"
        elif one.kind == "number" and not value:
            value = "3"
        elif one.kind.startswith("date") and not value:
            value = f"{timezone.localdate() + timedelta(days=3)}{'T09:00' if '-' in one.kind else ''}"
        if one.kind == "checkbox" and not value:
            continue
        data[one.name] = value
    said = {name: form.fields[name].values[0] if value is FIRST else value for name, value in more.items()}
    return {name: value for name, value in {**data, **said}.items() if value is not None}
