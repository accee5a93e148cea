"""Servers on this machine that take what the channels send, and answer as a test says."""

import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Got:
    """One request that a sink took."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    at: float


@dataclass
class WebSink:
    """What came, and the answers that follow: (status, body) each, the last one for ever."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, '{"errcode":0,"errmsg":"ok","code":0}')])
    mute_s: float = 0
    drip: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next_answer(self) -> tuple[int, str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def web_sink(tls: ssl.SSLContext | None = None) -> Iterator[WebSink]:
    sink = WebSink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            sink.got.append(
                Got(self.command, url.path, dict(parse_qsl(url.query)), dict(self.headers), body, time.monotonic())
            )
            sink.over.wait(sink.mute_s)
            status, text = sink.next_answer()
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", f"{sink.origin}/elsewhere")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.say(text.encode())

        def say(self, body: bytes) -> None:
            for byte in [body] if not sink.drip else [bytes([one]) for one in body]:
                self.wfile.write(byte)
                self.wfile.flush()
                if sink.drip:
                    sink.over.wait(0.1)

        do_POST = do_GET = answer  # noqa: N815 - so the base class calls them

        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client had no patience
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that breaks off is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sink.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sink
    finally:
        sink.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class MailSink:
    """Mails as they came, and the answers to RCPT and to the end of DATA."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    to_recipient: str = "250 ok"
    to_content: str = "250 taken"
    mute: bool = False
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """Enough of SMTP for one mail after another."""
    sink = MailSink()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if sink.mute:
                sink.over.wait(30)
                return
            self.say("220 sink")
            for line in iter(self.rfile.readline, b""):
                word = line[:4].upper()
                if word == b"DATA":
                    self.say("354 go on")
                    self.take()
                elif word == b"RCPT":
                    self.say(sink.to_recipient)
                elif word == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def take(self) -> None:
            lines = list(iter(self.rfile.readline, b".\r\n"))
            sink.at.append(time.monotonic())
            sink.mails.append(b"".join(lines))
            self.say(sink.to_content)

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    sink.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sink
    finally:
        sink.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
