"""What is measured, and how it is written down."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import exports, load, seed
from bench.load import Call, Figures
from bench.report import write
from bench.servers import checkpoint, copy_database, free_port, program
from enforcement.models import Event, Whistle
from notifications.models import Delivery
from portal import embedded
from townships.models import Unit, User

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "300"))
WARM_UP = 20
WHISTLES = int(os.environ.get("BENCH_WHISTLES", "1000"))
WORKERS = "2"
CSRF = "a" * 32


@dataclass(frozen=True)
class Row:
    size: int
    page: str
    figures: Figures
    sql: int
    bare: Figures | None = None

    @property
    def ratio(self) -> float | None:
        return round(self.figures.cpu_ms / self.bare.cpu_ms, 2) if self.bare else None


def main(sizes: list[int], postgres: embedded.Postgres, database: int) -> None:
    call_command("migrate", verbosity=0)
    seed.base()
    rows: list[Row] = []
    exported: list[exports.Exported] = []
    connection.close()
    for size in sizes:
        name = f"bench_{size}"
        copy_database(postgres, "bench_base", name)
        _use(name)
        seed.fill(size)
        checkpoint(postgres)
        print(f"{size:,} events", flush=True)
        with web(name) as (port, server):
            rows += pages(size, port, [server, database])
            rows.append(whistles(size, port, [server, database]))
        exported += exports.measured(size)
        if size == sizes[0]:
            messages = messages_a_second(name)
        connection.close()
    write(rows, messages, exported)


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


@contextmanager
def web(name: str) -> Iterator[tuple[int, int]]:
    """gunicorn as `make run` starts it, on this database: (port, process id)."""
    port = free_port()
    environment = {
        "PORT": str(port),
        "DATABASE_URL": embedded.database_url(settings.VAR_DIR, database=name),
        "DJANGO_SETTINGS_MODULE": "bench.settings",
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    log = Path(settings.VAR_DIR) / "web.log"
    with program(["-m", "gunicorn", "-c", "python:portal.webserver", "portal.wsgi"], environment, log) as server:
        load.until(lambda: _answers(port), 30)
        yield port, server


def _length(queue: str) -> int:
    with closing(current_app.connection_for_read()) as link:
        return int(link.default_channel.client.llen(queue))


def _answers(port: int) -> bool:
    try:
        return load.answer(port, Call("/livez", ""))[0] == 200
    except OSError:
        return False


def client_for(username: str) -> tuple[Client, str]:
    """A signed-in test client, and the cookie header of its session."""
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(username=username))
    return client, f"sessionid={client.cookies['sessionid'].value}; csrftoken={CSRF}"


def pages(size: int, port: int, roots: list[int]) -> Iterator[Row]:
    """Every page beside a bare view of as many rows."""
    desk, cookie = client_for("330683100-duty-0")
    event = Event.objects.filter(township__code="330683100", state="whistled").latest("id")
    open_whistles = Whistle.objects.filter(by_unit__code="330683100", state__in=Whistle.OPEN).count()
    fragment = (("HX-Request", "true"), ("HX-Target", "rows"))
    wanted: list[tuple[str, str, tuple[tuple[str, str], ...], str, int]] = [
        ("board, columns only", "/board/columns/", fragment, "whistle", open_whistles),
        ("board", "/board/", (), "whistle", open_whistles),
        ("work list, rows only", "/worklist/rows/", fragment, "whistle", 25),
        ("work list", "/worklist/", (), "whistle", 25),
        ("events, rows only", "/events/", fragment, "event", 25),
        ("events", "/events/", (), "event", 25),
        ("whistles, rows only", "/whistles/", fragment, "whistle", 25),
        ("whistles", "/whistles/", (), "whistle", 25),
        ("one event", f"/events/{event.pk}/", (), "event", 25),
        *(
            (f"search, {word}", f"/search/?{urlencode({'q': query})}", (), "event", 25)
            for word, query in searched(event)
        ),
        ("events with a word", f"/events/?{urlencode({'q': '废品'})}", fragment, "event", 25),
    ]
    for title, path, headers, table, count in wanted:
        yield beside_bare(size, title, (port, roots), (desk, Call(path, cookie, headers=headers)), f"{table}/{count}")
    admin, cookie = client_for(seed.ADMIN)
    yield beside_bare(size, "admin, front page", (port, roots), (admin, Call("/admin/", cookie)), "event/25")


def beside_bare(size: int, title: str, server: tuple[int, list[int]], asked: tuple[Client, Call], twin: str) -> Row:
    """One page with its bare twin, and how many queries it asks."""
    (port, roots), (client, call) = server, asked
    figures = timed(port, roots, call)
    bare = timed(port, roots, Call(f"/bare/{twin}/", call.cookie))
    extra = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in call.headers}
    with CaptureQueriesContext(connection) as queries:
        client.get(call.path, **extra)
    row = Row(size, title, figures, len(queries), bare)
    print(f"  {title:24} {figures.cpu_ms:6} ms CPU  {row.ratio} x bare  p95 {figures.p95_ms} ms", flush=True)
    return row


def searched(event: Event) -> list[tuple[str, str]]:
    """What people type: a word in all rows, one in few, one in none, a class, a house, a number and its last digits."""
    return [
        ("common word", "东街"),
        ("rare word", "废品"),
        ("no such word", "龙卷"),
        ("class", event.category.name[:2]),
        ("house number", "东街12号"),
        ("number", event.number),
        ("last digits", event.number[-4:]),
    ]


def timed(port: int, roots: list[int], call: Call) -> Figures:
    load.run(port, [call] * WARM_UP, roots)
    return load.run(port, [call] * REQUESTS, roots)


def whistles(size: int, port: int, roots: list[int]) -> Row:
    """Emergency whistles to two departments, from all townships in turn, each for an event of its own."""
    townships = list(Unit.objects.townships().order_by("code"))
    cookies = {unit.pk: client_for(f"{unit.code}-duty-0")[1] for unit in townships}
    events = seed.urgent_events(townships, WHISTLES)
    lead, helper = Unit.objects.get(code="yjgl"), Unit.objects.get(code="sthj")
    form = {
        "csrfmiddlewaretoken": CSRF,
        "seen_state": "reported",
        "kind": "emergency",
        "facts": "请立即到场检测和封控",
        "why": "emergency",
        "why_text": "",
        "lead": str(lead.pk),
        "helpers": str(helper.pk),
    }
    calls = [
        Call(
            f"/events/{event.pk}/whistle/",
            cookies[event.township_id],
            form={**form, "request_id": str(uuid4())},
            expect=(302,),
        )
        for event in events
    ]
    figures = load.run(port, calls, roots)
    made = Whistle.objects.filter(event__in=events, state="signing").count()
    if made != WHISTLES:
        raise AssertionError(f"{made} of {WHISTLES} whistles")
    print(f"  emergency whistles       {figures.per_second} a second", flush=True)
    return Row(size, "emergency whistle (POST)", figures, 0)


def messages_a_second(name: str) -> dict[str, float]:
    """What one worker of two processes gets through: the messages of the whistles just blown, and as many empty tasks."""
    waiting = Delivery.objects.filter(state__in=Delivery.OPEN)
    messages = waiting.count()
    with closing(current_app.connection_for_write()) as link:
        for _ in range(messages):
            current_app.send_task("bench.empty", queue="bench", connection=link)
    sent = drain(name, "messages", lambda: not waiting.exists())
    empty = drain(name, "bench", lambda: _length("bench") == 0)
    return {
        "messages": messages,
        "messages_per_second": round(messages / sent, 1),
        "empty_tasks_per_second": round(messages / empty, 1),
    }


def drain(name: str, queue: str, is_done: Callable[[], bool]) -> float:
    """Seconds a worker takes for what waits in the queue, from the first task it takes until all is done."""
    environment = {
        "DATABASE_URL": embedded.database_url(settings.VAR_DIR, database=name),
        "DJANGO_SETTINGS_MODULE": "bench.settings",
    }
    worker = [
        "-m",
        "celery",
        "-q",
        "-A",
        "portal",
        "worker",
        "-I",
        "bench.tasks",
        "-c",
        WORKERS,
        "--loglevel",
        "WARNING",
    ]
    full = _length(queue)
    with program([*worker, "-Q", queue], environment, Path(settings.VAR_DIR) / "worker.log"):
        load.until(lambda: _length(queue) < full, 60)
        return load.until(is_done, 300)
