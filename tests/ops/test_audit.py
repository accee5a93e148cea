"""`make audit` against a source of the test's own: one that knows, one that knows nothing, one that is away."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops import audit


class Source(ThreadingHTTPServer):
    """Answers as OSV does; `knows` maps (name, version) to the flaws it knows."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.knows: dict[tuple[str, str], list[str]] = {}
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    server: Source

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        flaws = self.server.knows.get((asked["package"]["name"], asked["version"]), [])
        body = {"vulns": [flaw(asked["package"]["name"], number) for number in flaws]} if flaws else {}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


def flaw(name: str, number: str) -> dict[str, object]:
    affected = [
        {
            "package": {"name": name, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ]
    return {"id": number, "summary": "a flaw", "details": "a flaw", "aliases": [], "affected": affected}


@pytest.fixture
def source(monkeypatch, tmp_path) -> Iterator[Source]:
    source = Source()
    source.knows["django", "3.2.0"] = ["PYSEC-CANARY"]
    monkeypatch.setenv("AUDIT_OSV_URL", f"http://127.0.0.1:{source.server_address[1]}")
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"asgiref==3.13.0 --hash=sha256:{'0' * 64}\nsqlparse==0.5.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(audit, "LOCKS", (lock,))
    yield source
    source.shutdown()
    source.server_close()


def test_audit_is_content_where_the_source_knows_the_canary_alone(source, capsys) -> None:
    assert audit.main() == 0
    assert "2 packages audited, 0 vulnerabilities" in capsys.readouterr().out


def test_audit_names_a_vulnerable_package(source, capsys) -> None:
    source.knows["sqlparse", "0.5.0"] = ["PYSEC-7"]
    assert audit.main() == 1
    assert "sqlparse 0.5.0: PYSEC-7" in capsys.readouterr().out


def test_audit_fails_when_the_source_knows_nothing(source, capsys) -> None:
    source.knows.clear()
    assert audit.main() == audit.NOTHING_AUDITED
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out


def test_audit_fails_when_the_source_is_away(source, capsys, monkeypatch) -> None:
    monkeypatch.setenv("AUDIT_OSV_URL", "http://127.0.0.1:1")
    assert audit.main() == audit.NOTHING_AUDITED
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([audit.Found((), (), 3)], 0),
        ([audit.Found((), ("a: not found",), 3)], 1),
        ([audit.Found((), ("a: not found",), 0)], audit.NOTHING_AUDITED),
        ([audit.Found((), (), 0)], audit.NOTHING_AUDITED),
    ],
)
def test_package_that_was_not_audited_is_no_clean_one(found, code) -> None:
    assert audit.tell(found) == code


def test_locks_are_the_ones_that_are_installed() -> None:
    assert all(Path(lock).read_text().count("--hash") > 50 for lock in audit.LOCKS)
