"""The proxy's configuration, before two small webs of the test's own: what it lets in, and what happens when a web dies."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from bench import proxy
from bench.load import until

needs_nginx = pytest.mark.skipif(not proxy.is_here(), reason=proxy.MISSING)
DIES = "/dies-"  # the web with this port closes the connection without an answer, as one that is killed does


class Web(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, *_: Any) -> None:
        pass


class Answer(BaseHTTPRequestHandler):
    server: Web
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(f"{self.command} {self.path}")
        if self.path.endswith(f"{DIES}{self.server.port}"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        told = json.dumps({"web": self.server.port, "read": len(body), "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[proxy.Proxy, list[Web]]]:
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "srv/static").mkdir(parents=True)
    (folder / "srv/static/a.0123456789ab.css").write_text("body{}")
    webs = [Web(), Web()]
    with proxy.proxy(folder, folder / "srv", (webs[0].port, webs[1].port)) as running:
        yield running, webs
    for web in webs:
        web.shutdown()
        web.server_close()


def ask(
    running: proxy.Proxy, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    context = ssl.create_default_context(cafile=running.certificate)
    with closing(http.client.HTTPSConnection(proxy.HOST, running.port, timeout=5, context=context)) as link:
        link.request("GET" if body is None else "POST", path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}


def test_proxy_takes_the_largest_request_and_no_more() -> None:
    assert f"client_max_body_size {settings.LARGEST_REQUEST};" in proxy.TEMPLATE.read_text()


def test_compose_gives_every_name_that_the_template_wants() -> None:
    rendered = proxy.render(proxy.values(Path("/x"), Path("/y"), (1, 2)))
    assert "${" not in rendered
    compose = (proxy.ROOT / "docker-compose.yml").read_text()
    assert [name for name in proxy.values(Path("/x"), Path("/y"), (1, 2)) if f"      {name}: " not in compose] == []


@needs_nginx
def test_webs_share_the_requests_and_hear_who_asks(setup) -> None:
    running, _ = setup
    answers = [json.loads(ask(running, "/x", **{"X-Forwarded-For": "1.2.3.4"})[1]) for _ in range(4)]
    assert len({one["web"] for one in answers}) == 2
    headers = answers[0]["headers"]
    assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "https")
    assert headers["Host"] == f"localhost:{running.port}"


@needs_nginx
def test_watchers_addresses_and_large_requests_are_refused(setup) -> None:
    running, _ = setup
    assert [ask(running, path)[0] for path in ("/metrics", "/healthz")] == [404, 404]
    # only the head is sent: nginx answers before it reads
    status = ask(running, "/x", b"", **{"Content-Length": str(settings.LARGEST_REQUEST + 1)})[0]
    assert status == 413


@needs_nginx
def test_other_names_find_no_certificate(setup) -> None:
    running, _ = setup
    context = ssl.create_default_context(cafile=running.certificate)
    with socket.create_connection(("127.0.0.1", running.port), 5) as link, pytest.raises(ssl.SSLError):
        context.wrap_socket(link, server_hostname="other.example")


@needs_nginx
def test_static_files_are_kept_for_ever_and_asked_of_a_web_when_missing(setup) -> None:
    running, _ = setup
    status, body, headers = ask(running, "/static/a.0123456789ab.css")
    assert (status, body) == (200, b"body{}")
    assert "max-age=315360000" in headers["cache-control"] and headers["content-type"] == "text/css"
    assert json.loads(ask(running, "/static/newer.css")[1])["web"]
    assert ask(running, "/static/../nginx.conf")[1] != (running.folder / "nginx.conf").read_bytes()


@needs_nginx
def test_get_that_a_dying_web_took_is_answered_by_the_other(setup) -> None:
    running, webs = setup
    path = f"/get{DIES}{webs[0].port}"
    assert {json.loads(ask(running, path)[1])["web"] for _ in range(3)} == {webs[1].port}
    assert f"GET {path}" in webs[0].asked


@needs_nginx
def test_post_that_a_dying_web_took_is_never_sent_twice(setup) -> None:
    running, webs = setup
    path = f"/post{DIES}{webs[1].port}"  # the other one has just died and is left alone for three seconds
    assert ask(running, path, b"request_id=1")[0] == 502
    assert [web.asked.count(f"POST {path}") for web in webs] == [0, 1]


@needs_nginx
def test_log_holds_no_query(setup) -> None:
    running, _ = setup
    ask(running, "/events/?q=SECRETNAME")
    log = running.folder / "access.log"
    until(lambda: "/events/" in log.read_text(), 5)  # nginx writes the line after the answer has gone
    assert "SECRETNAME" not in log.read_text()
