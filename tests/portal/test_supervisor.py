"""The supervisor on small programs, and then the whole portal as one process tree."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal import supervisor as module
from portal.embedded.process import StartError
from portal.supervisor import Child, Gate, Supervisor, has_ended, rotate, stop, trim
from tests.portal.test_embedded import is_alive


def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Children that run a line of shell, ended after the test."""
    children: list[Child] = []

    def make(line: str) -> Child:
        log = tmp_path / f"{len(children)}.log"

        def launch() -> subprocess.Popen[bytes]:
            with log.open("ab") as stream:
                return subprocess.Popen(["/bin/sh", "-c", line], stdout=stream, stderr=stream, start_new_session=True)

        children.append(Child("child", launch, log))
        return children[-1]

    yield make
    stop(children, grace=0.5)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal shows."""
    shown: list[str] = []
    monkeypatch.setattr(module, "say", shown.append)
    return shown


def test_killed_child_is_started_again(
    shell: Callable[[str], Child], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.05)
    child = shell("sleep 60")
    first = child.start()
    first.kill()
    wait_until(lambda: [child.tick(), child.process not in (first, None)][1])
    assert "SIGKILL" in lines[0]


def test_what_a_killed_child_leaves_behind_is_killed(shell: Callable[[str], Child], lines: list[str]) -> None:
    child = shell("sleep 60 & echo $!; wait")
    process = child.start()
    wait_until(lambda: child.log.exists() and child.log.read_text().strip())
    orphan = int(child.log.read_text())
    process.kill()
    wait_until(lambda: has_ended(process))
    assert is_alive(orphan)
    child.tick()
    wait_until(lambda: not is_alive(orphan))


def test_delay_doubles_and_the_log_is_shown_in_a_loop(shell: Callable[[str], Child], lines: list[str]) -> None:
    child = shell("echo the reason; exit 3")
    child.start()
    for _ in range(3):
        process = child.process
        assert process is not None
        wait_until(lambda process=process: has_ended(process))
        child.tick()
        child.next_start = 0.0
        child.tick()
    assert [line.partition("restarting in ")[2] for line in lines if "restarting" in line] == ["0.5 s", "1 s", "2 s"]
    assert "exit 3" in lines[0]
    assert lines[-1].endswith("the reason\nthe reason\nthe reason")


def test_delay_is_short_again_after_a_stable_time(shell: Callable[[str], Child], lines: list[str]) -> None:
    child = shell("exit 1")
    child.failures = 6
    child.start()
    child.started_at -= module.STABLE
    wait_until(lambda: child.process is not None and has_ended(child.process))
    child.tick()
    assert child.failures == 1


def test_start_that_fails_is_tried_again(tmp_path: Path, lines: list[str]) -> None:
    def refuse() -> subprocess.Popen[bytes]:
        raise StartError("taken")

    child = Child("server", refuse, tmp_path / "log")
    child.tick()
    assert child.process is None
    assert child.next_start > time.monotonic()
    assert "taken" in lines[0]


def test_stop_insists(shell: Callable[[str], Child]) -> None:
    polite, deaf = shell("sleep 60"), shell("trap '' TERM QUIT; sleep 60 & wait; wait")
    processes = [polite.start(), deaf.start()]
    time.sleep(0.1)
    begun = time.monotonic()
    stop([polite, deaf], grace=0.2)
    assert time.monotonic() - begun < 4
    assert [process.returncode for process in processes] == [-signal.SIGTERM, -signal.SIGKILL]


def test_logs_are_turned_over_and_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_LIMIT", 10)
    log = tmp_path / "web.log"
    log.write_text("earlier")
    rotate(log)
    assert (tmp_path / "web.log.1").read_text() == "earlier"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"longer than ten")
        trim(log)
        writer.write(b"new")
    assert log.read_text() == "new"
    assert (tmp_path / "web.log.1").read_text() == "longer than ten"


def python(code: str) -> Callable[[], subprocess.Popen[bytes]]:
    return lambda: subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Supervisor]:
    def make(prepare: str, web: Child | None = None, announce: Callable[[], object] = bool) -> Supervisor:
        return Supervisor(
            servers=[],
            wait_for_servers=lambda _: None,
            prepare=python(prepare),
            prepare_log=tmp_path / "prepare.log",
            gate=Gate(),
            web=web,
            others=[],
            is_ready=lambda: True,
            announce=announce,
        )

    return make


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """The supervisor takes the process's signals; the test run wants them back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_web_waits_for_the_preparation(make: Callable[..., Supervisor], tmp_path: Path) -> None:
    gate = Gate()
    order = tmp_path / "order"
    code = f"import os; os.read({gate.reader}, 1); open({str(order)!r}, 'a').write('web ')"

    def launch() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code], pass_fds=gate.descriptors(), start_new_session=True)

    def announce() -> None:
        wait_until(lambda: "web" in order.read_text())
        os.kill(os.getpid(), signal.SIGTERM)

    supervisor = make(
        f"import time; time.sleep(.3); open({str(order)!r}, 'a').write('prepared ')",
        Child("web", launch, tmp_path / "web.log"),
        announce,
    )
    supervisor.gate = gate
    assert supervisor.run() == 0
    assert order.read_text().split()[:2] == ["prepared", "web"]


def test_failed_preparation_is_repeated(make: Callable[..., Supervisor], tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    assert make(f"f = open({str(tries)!r}, 'a'); f.write('x'); raise SystemExit(f.tell() == 1)").run() == 0
    assert tries.read_text() == "xx"


def test_preparation_that_always_fails_is_told(
    make: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PREPARE_ATTEMPTS", 1)
    with pytest.raises(StartError, match="could not be prepared"):
        make("raise SystemExit(1)").run()


def test_stop_during_the_preparation_does_not_wait_for_it(make: Callable[..., Supervisor]) -> None:
    begun = time.monotonic()
    supervisor = make(f"import os, signal, time; os.kill({os.getpid()}, signal.SIGINT); time.sleep(60)")
    assert supervisor.run() == 0
    assert time.monotonic() - begun < 5
