"""Every address of the portal with what it takes, the forms that its pages offer, and whether anything was written."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

PART = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """`route` as it is written in urls.py, `keys` what it takes."""

    name: str
    route: str
    keys: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        return self.route.startswith("admin/")

    @property
    def head(self) -> str:
        """What stands before the first key: it says whose key it is."""
        return self.route.split("<")[0]

    def url(self, *args: Any) -> str:
        given = iter(args)
        return "/" + PART.sub(lambda _: str(next(given)), self.route)


def addresses(resolver: URLResolver | None = None, before: str = "", space: str = "") -> Iterator[Address]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route, f"{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            route = route.replace("(?P<url>.*)$", "")  # the admin's last one, which answers 404
            yield Address(f"{space}{pattern.name}", route, tuple(PART.findall(route)))


ALL = list(addresses())
PLAIN = [one for one in ALL if not one.keys]
KEYED = [one for one in ALL if one.keys]


def text_of(response: HttpResponse) -> str:
    """Body and headers: a secret may be in the name of a file, or in where somebody is sent."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{dict(response.headers)} {body.decode(errors='replace')}"


# --- pages compared -----------------------------------------------------------------------------------------------------
UNLIKE = re.compile(
    r"[A-Za-z0-9]{64}"  # CSRF tokens
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # ids of forms
)


def alike(text: str) -> str:
    return UNLIKE.sub("…", text)


# --- forms --------------------------------------------------------------------------------------------------------------
@dataclass
class Field:
    name: str
    kind: str  # the type of an input; textarea, select
    values: list[str] = field(default_factory=list)  # of a select or a group of radio buttons: all of them
    value: str = ""


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, Field] = field(default_factory=dict)


class FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.open: Form | None = None
        self.select: Field | None = None
        self.area: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self.open)
            self.by_id[given.get("id", "")] = self.open
        elif tag in ("input", "select", "textarea", "button"):
            self._field(tag, given)
        elif tag == "option" and self.select is not None:
            self.select.values.append(given.get("value", ""))
            if "selected" in given:
                self.select.value = given.get("value", "")

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form = self.by_id.get(given["form"]) if "form" in given else self.open
        if form is not None and "formaction" in given:
            self.forms.append(Form(given["formaction"], form.method, form.fields))
        if form is None or not given.get("name"):
            return
        kind = given.get("type", "text") if tag == "input" else tag
        found = form.fields.setdefault(given["name"], Field(given["name"], kind))
        if tag == "select":
            self.select = found
        elif tag == "textarea":
            self.area = found
        elif kind in ("radio", "checkbox"):
            found.values.append(given.get("value", "on"))
            if "checked" in given:
                found.value = given.get("value", "on")
        elif tag == "button":
            found.values.append(given.get("value", ""))
        else:
            found.value = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area.value += data


def forms_of(html: str, page: str) -> list[Form]:
    """Those that write. A form without an action goes to its own page."""
    reader = FormReader()
    reader.feed(html)
    for form in reader.forms:
        form.action = (form.action or page).split("#")[0]
    return [form for form in reader.forms if form.method == "post"]


# --- what is stored -----------------------------------------------------------------------------------------------------
# written by whoever only looks: sessions, the log of who looked, the moment of a log-in's last failure
BESIDES = ("django_session", "records_access", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog")


def prints(only: set[str] | None = None) -> dict[str, str]:
    """Of each table a fingerprint over all of its rows, whatever model or column comes later."""
    tables = sorted((only or set(connection.introspection.table_names())) - set(BESIDES))
    parts = (
        f"SELECT '{name}', md5(string_agg(md5(row::text), '' ORDER BY md5(row::text))) FROM \"{name}\" AS row"
        for name in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def changed(before: dict[str, str], only: set[str] | None = None) -> list[str]:
    now = prints(only)
    return sorted(name for name, mark in now.items() if before.get(name) != mark)


class Watch:
    """Whether anything was written: looks only at the tables that a statement would have changed."""

    WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)

    def __init__(self) -> None:
        self.before = prints()
        self.tried: set[str] = set()

    def __call__(self, execute: Any, sql: Any, *rest: Any) -> Any:
        if found := self.WRITES.match(str(sql)):
            self.tried.add(found[1].lower())
        return execute(sql, *rest)

    def changed(self) -> list[str]:
        """Of the tables that a statement has named; no table is changed without one."""
        return changed(self.before, self.tried) if self.tried - set(BESIDES) else []

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside is watched, and taken back."""
        self.tried.clear()
        with transaction.atomic(), connection.execute_wrapper(self):
            yield
            transaction.set_rollback(True)


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Any


def asked(client: Client, method: str, url: str, data: Any = None, **more: Any) -> Answer:
    """Whatever a view raises is answered as it is to a browser: with a 500. Files are read to their end."""
    client.raise_request_exception = False
    send = getattr(client, method.lower())
    response = send(url, data, **more) if data is not None else send(url, **more)
    return Answer(response.status_code, text_of(response), response.headers)
