"""What no browser of an office sends: in addresses, headers, cookies and bodies. Nothing of it is ever a 500."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import django_filters
import pytest
from django.conf import settings
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enforcement.exports.work import listing_of
from tests.attack.conftest import OF_THE_MACHINE
from tests.attack.crawl import ALL, PLAIN, asked, forms_of
from tests.attack.world import World
from tests.cast import PASSWORD, client_for

ROOMS = ("command_room", "enforcement", "townships", "notifications", "records", "portal")
ASKED_FOR = re.compile(r"GET\.get(?:list)?\(\s*[\"'](\w+)|GET\[[\"'](\w+)|[\"'](\w+)[\"'] in (?:self\.)?request\.GET")
VALUES = [
    *("9" * 30, "9" * 5000, "-1", "0", "²", "٣", "１"),
    *("9999-12-31", "0000-00-00", "0001-01-01", "9999-12", "0001-01-01T00:00:00+23:59_1_1"),
    *("NaN", "[", "/\t/[", "//evil.example", "罍" * 500, "' OR 1=1 --", "甲\r\nSet-Cookie: a=b", "%00", "\ufffe"),
]


def read_names() -> list[str]:
    """Every name that a view reads from an address, and that a filter has: one that is added is tried by itself."""
    found: set[str] = {"page", "format"}
    for room in ROOMS:
        for file in (Path(settings.BASE_DIR) / room).rglob("*.py"):
            for names in ASKED_FOR.findall(file.read_text()):
                found |= {name for name in names if name}
    for kind in subclasses(django_filters.FilterSet):
        found |= set(kind.base_filters)
    return sorted(found)


DAYS = {"/shifts/": ("week", "day"), "/shifts/print/": ("month",)}


def subclasses(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def test_no_address_is_a_500(world: World) -> None:
    """Each page by somebody who has it, with every name that is read anywhere, each value standing in some of them."""
    readers = [client_for(getattr(world.cast, part)) for part in ("auditor", "duty", "bureau_admin")]
    names, wrong, tried = read_names(), [], 0
    assert {"page", "q", "township", "when", "below"} <= set(names)
    for turn, one in enumerate(one for one in PLAIN if not one.is_admin and one.name not in OF_THE_MACHINE):
        said = {name: VALUES[(turn + n) % len(VALUES)] for n, name in enumerate(names) if name != "all"}
        for client in readers:
            answer, tried = asked(client, "GET", one.url(), said), tried + 1
            if answer.status >= 500:
                wrong.append(f"{one.url()} {turn}: {answer.status}")
            if answer.status == 200:
                break
    assert not wrong, "\n".join(wrong)
    assert tried > 80


def test_last_and_first_day_of_the_calendar_are_days(world: World) -> None:
    """Each field for a day by itself: what stands beside it may be wrong, and hide that."""
    wrong = []
    pages = {"duty": ("/events/", "/whistles/", "/dispatches/", "/shifts/", "/shifts/print/"), "auditor": ("/audit/",)}
    for part, urls in pages.items():
        client = client_for(getattr(world.cast, part))
        for url in urls:
            fields = set(
                re.findall(
                    r'type="(?:date|month|week)"[^>]*?name="(\w+)"|name="(\w+)"[^>]*?type="(?:date|month|week)"',
                    asked(client, "GET", url).text,
                )
            )
            for name in {*(one or other for one, other in fields), *DAYS.get(url, ())}:
                for day in ("9999-12", "0001-01") if name == "month" else ("9999-12-31", "0001-01-01"):
                    answer = asked(client, "GET", url, {name: day})
                    if answer.status >= 500:
                        wrong.append(f"{url}?{name}={day}: {answer.status}")
    assert not wrong, "\n".join(wrong)


def test_no_filter_is_a_500(world: World) -> None:
    """Each filter by itself with each value, on the rows that an auditor sees; and what is not understood finds nothing."""
    user, wrong = world.cast.auditor, []
    user.acting = user.active_posts().first()
    for code in settings.LISTINGS:
        listing = listing_of(code)
        for name in listing.asked(user, QueryDict("")).filters.filters:
            for value in VALUES:
                asked_for = listing.asked(user, QueryDict(f"{name}={quote(value, safe='')}"))
                try:
                    list(asked_for.rows.order_by("pk").values_list("pk")[:1]) and asked_for.words()
                except Exception as error:  # whatever it is, a page would answer with a 500
                    wrong.append(f"{code} {name}={value[:20]}: {error!r}")
    assert not wrong, "\n".join(wrong)


PATHS = [
    *(
        "/%00",
        "/events/%00/",
        "/help/%00/",
        "/wall/%00/",
        "/wall/../admin/",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..;/admin/",
    ),
    *("/static/%2e%2e/%2e%2e/settings.py", "/static/..%2f..%2fmanage.py", "/static/%252e%252e/manage.py", "/%ff%fe/"),
    *(
        "/events/99999999999999999999/",
        "/events/%D9%A3/",
        "/events/-1/",
        "/events/1%2f/",
        "//evil.example/",
        "/\\evil.example",
    ),
    *(
        "/files/99999999999999999999999/preview/",
        "/jobs/9223372036854775808/files/9223372036854775808/",
        "/lists/%27/export/",
    ),
    *(
        "/admin/townships/user/%00/change/",
        "/admin/townships/user/_00/change/",
        "/admin/townships/user/9999999999999999999/change/",
    ),
    *(
        "/admin/r/1/1/",
        "/admin/r/x/%00/",
        "/admin/r/99999999999999999999/1/",
        "/help/..%2fadmin/",
        "/wall/%0d%0aa/",
        "/" + "a/" * 2000,
    ),
    *(
        "/admin/notifications/delivery/files/..%2f..%2fsecret-key/",
        "/admin/notifications/delivery/files/%00/",
        "/events/?%00=1",
    ),
    *(
        "/events/?page=%FF%FE",
        "/events/?q=%ED%A0%80",
        "/search/?q=%00",
        "/?" + "a=b&" * 1200,
        "/events/?q=" + "%E7%BD%8D" * 30_000,
    ),
]


@pytest.mark.parametrize("part", ["duty", "bureau_admin"])
def test_no_path_leads_out_or_is_a_500(world: World, part: str) -> None:
    client, wrong = client_for(getattr(world.cast, part)), []
    for path in PATHS:
        answer = asked(client, "GET", path)
        location = answer.headers.get("Location", "")
        is_own = not location or (location.startswith("/") and not re.match(r"/[/\\]", location))
        if answer.status >= 500 or not is_own or "SECRET_KEY" in answer.text or "root:x" in answer.text:
            wrong.append(f"{path[:60]}: {answer.status} {location}")
    assert not wrong, "\n".join(wrong)


HEADERS: list[dict[str, str]] = [
    {"HTTP_COOKIE": 'sessionid="abcdefghijkl\\000mnop"'},
    {"HTTP_COOKIE": 'csrftoken="a\\000b"; messages="\\000"; sessionid=' + "x" * 5000},
    {"HTTP_IF_NONE_MATCH": 'W/"', "HTTP_IF_MODIFIED_SINCE": "Xxx, 99 Foo 99999 99:99:99 GMT"},
    {"HTTP_IF_NONE_MATCH": '*, "a", W/"b.\xb2", "' + "c" * 5000 + '"', "HTTP_RANGE": "bytes=0-0,-99999999999999999999"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "'\"><x", "HTTP_HX_CURRENT_URL": "http://[", "HTTP_REFERER": "//["},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 3000, "HTTP_ACCEPT": "\xff", "HTTP_ACCEPT_ENCODING": "gzip;q=x"},
    {"HTTP_X_REQUEST_ID": 'x"}\n{"event": "forged"}', "HTTP_X_CORRELATION_ID": "\xff" * 300},
    {"HTTP_X_FORWARDED_FOR": "1.2.3.4, ' OR 1=1", "HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_FORWARDED": "for=x"},
    {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE", "HTTP_X_ORIGINAL_URL": "/admin/"},
    {
        "HTTP_AUTHORIZATION": "Bearer \xff",
        "HTTP_X_BACKGROUND": "\xff",
        "CONTENT_TYPE": "multipart/form-data; boundary=",
    },
    {"CONTENT_LENGTH": "9" * 5000},
    {"CONTENT_LENGTH": "\xb2"},
    {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=\xff"},
]


def test_no_header_is_a_500_or_believed(world: World) -> None:
    client, wrong = client_for(world.cast.duty), []
    for headers in HEADERS:
        for url in ("/board/columns/", "/events/", "/metrics", "/login/", "/worklist/rows/"):
            more = dict(headers)
            answer = asked(Client() if "HTTP_COOKIE" in more else client, "GET", url, **more)
            if answer.status >= 500 or "evil.example" in answer.text or "forged" in answer.text:
                wrong.append(f"{url} {headers}: {answer.status}")
    assert not wrong, "\n".join(wrong)


def test_own_tag_with_a_strange_end_is_not_a_500(world: World) -> None:
    client = client_for(world.cast.duty)
    for url in ("/board/columns/", "/worklist/rows/"):
        tag = asked(client, "GET", url).headers["ETag"].rpartition(".")[0]
        for end in ("\xb2", "9" * 5000, "-1", ""):
            assert asked(client, "GET", url, HTTP_IF_NONE_MATCH=f'{tag}.{end}"').status in (200, 304)


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil.example", "a\tb", "[::1", ""])
def test_foreign_host_is_refused(world: World, host: str) -> None:
    client = client_for(world.cast.duty)
    for url in ("/board/", "/login/?next=/events/"):
        assert asked(client, "GET", url, HTTP_HOST=host).status == 400 or host == ""


# --- where a form leads on ------------------------------------------------------------------------------------------------
OUT = ["//evil.example", "/\\evil.example", "/\t/evil.example", "https:evil.example", "javascript:alert(1)", "///evil.example",
       "http://testserver@evil.example/", "/%0d%0aLocation: //evil.example", "\\\\evil.example", "http://[", "/[", "/\t/["]  # fmt: skip


def test_no_form_leads_out_of_the_portal(world: World) -> None:
    wrong = []
    for wanted in OUT:
        client = client_for(world.cast.duty)
        post = world.cast.duty.active_posts().get().pk
        sent = {"username": world.cast.duty.username, "password": PASSWORD, "next": wanted}
        for answer in (
            asked(Client(), "POST", "/login/", sent),
            asked(client, "GET", "/login/", {"next": wanted}),
            asked(client, "POST", "/switch-post/", {"post": post, "next": wanted}),
            asked(client, "GET", "/login/code/", {"next": wanted}),
            asked(client, "POST", "/login/code/", {"next": wanted}),
            asked(client, "GET", "/feedback/", {"from": wanted}),
            asked(client, "GET", "/second-factor/set-up/", {"next": wanted}),
        ):
            location = answer.headers.get("Location", "")
            if answer.status >= 500 or re.match(r"(\w+:)?\s*[/\\]\s*[/\\]|\w+:", location):
                wrong.append(f"{wanted!r}: {answer.status} {location!r}")
    assert not wrong, "\n".join(wrong)


# --- bodies -------------------------------------------------------------------------------------------------------------
BODIES: list[tuple[str, bytes]] = [
    ("application/x-www-form-urlencoded", b"a=%00&seen_state=%00&q=%ff&request_id=%00"),
    ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(1200))),
    ("application/x-www-form-urlencoded", b"browse=%00&category_text=%00&find=1"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="\0"\r\n\r\nx\r\n--x--',
    ),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name*=utf-16''%ff\r\n\r\nx"),
    ("multipart/form-data", b"no boundary"),
    ("application/json", b"[" * 100_000),
    ("text/xml", b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"),
]


def test_no_body_is_a_500(world: World) -> None:
    """Every address that takes none or one key of 甘霖镇's, with what is no form."""
    client, wrong = client_for(world.cast.duty), []
    for turn, one in enumerate(one for one in ALL if not one.is_admin and "logout" not in one.route):
        kind, body = BODIES[turn % len(BODIES)]
        url = one.url(*[world["called"].pk] * len(one.keys))
        answer = asked(client, "POST", url, body, content_type=kind)
        if answer.status >= 500 or "root:x" in answer.text:
            wrong.append(f"{url} {kind} {body[:40]!r}: {answer.status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("body", [body for kind, body in BODIES if kind.endswith("urlencoded")])
def test_report_form_of_nonsense_is_a_sentence(world: World, body: bytes) -> None:
    kind = "application/x-www-form-urlencoded"
    assert asked(client_for(world.cast.duty), "POST", "/events/report/", body, content_type=kind).status < 500


def test_many_digits_where_a_key_belongs(world: World) -> None:
    """The form comes again with what was typed, however many digits that has."""
    client, url = client_for(world.cast.duty), reverse("enforcement:whistle-submit", args=[world["new"].pk])
    for name in ("lead", "helpers"):
        assert asked(client, "POST", url, {name: "9" * 5000}).status == 422


def test_task_with_a_nul_is_no_500(world: World) -> None:
    client = client_for(world.cast.duty)
    at = timezone.localtime() + timedelta(days=1)
    said = {"title": "行动", "facts": "情况", "area": "范围", "assemble_place": "门口", "kind": "campaign"}
    sent = {
        **said,
        "assemble_at": f"{at:%Y-%m-%dT%H:%M}",
        "lead": world.cast.scjg.pk,
        f"task_{world.cast.scjg.pk}": "甲\0乙",
    }
    html = client.get(reverse("enforcement:action-submit")).content.decode()
    form = next(one for one in forms_of(html, reverse("enforcement:action-submit")) if "area" in one.fields)
    sent["request_id"] = form.fields["request_id"].value
    assert asked(client, "POST", reverse("enforcement:action-submit"), sent).status == 302
