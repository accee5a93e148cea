"""How a child process is started: whose rights it has, what ends it, and which lock it holds while it lives."""

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import IO

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


class StartError(Exception):
    """A service cannot start; the text is a sentence for the person at the terminal."""


class Rights(Enum):
    """As whom a server runs. PostgreSQL refuses root, so root needs one of the last two."""

    CALLER = "caller"
    USER_NAMESPACE = "user namespace"  # still root outside, nobody inside: no chown, works below a 0700 directory
    NOBODY = "nobody"


class CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class CapabilitySet(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def nobody() -> tuple[int, int]:
    """The (uid, gid) of the user nobody."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


def become_nobody() -> None:
    """Drop root, keeping only the capability to pass through root's own 0700 directories, if there is one to keep."""
    uid, gid = nobody()
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    bit = 1 << CAP_DAC_OVERRIDE
    sets = (CapabilitySet * 2)(CapabilitySet(bit, bit, bit), CapabilitySet())
    header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref(sets)) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def enter_user_namespace() -> None:
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")


def die_with_parent(death_signal: signal.Signals, parent: int) -> None:
    """Ask the kernel for `death_signal` when the parent's main thread ends; leave at once if it has ended already."""
    libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def prepare_child(rights: Rights, death_signal: signal.Signals, parent: int) -> Callable[[], None]:
    """The function that runs in the child between fork and exec."""

    def in_child() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # a shell's `&` hands down an ignored SIGINT
        if rights is Rights.USER_NAMESPACE:
            enter_user_namespace()
        elif rights is Rights.NOBODY:
            become_nobody()
        die_with_parent(death_signal, parent)  # last: a change of user clears it

    return in_child


def spawn(
    argv: Sequence[str | Path],
    *,
    log: int | IO[bytes],
    out: int | IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    rights: Rights = Rights.CALLER,
    death_signal: signal.Signals = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session that ends with this process. Call it from the main thread.

    Both its streams go to `log`, or stdout to `out`.
    """
    return subprocess.Popen(  # noqa: S603  # our own programs
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        stdout=log if out is None else out,
        stderr=log,
        env=env,
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
        preexec_fn=prepare_child(rights, death_signal, os.getpid()),  # noqa: PLW1509  # the caller has one thread
    )


def server_environment() -> dict[str, str]:
    """This environment in a locale every machine has, and without settings meant for another PostgreSQL."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LANG": "C.UTF-8", "TZ": "UTC"}


def root_rights(probe: Sequence[str | Path], directory: Path) -> Rights:
    """How root can run `probe` in `directory` without being root: the user namespace where the kernel allows it."""
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [str(part) for part in probe],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=enter_user_namespace,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return Rights.NOBODY
    return Rights.USER_NAMESPACE if done.returncode == 0 else Rights.NOBODY


def give(directory: Path, uid: int, gid: int) -> None:
    """Make `directory` and all in it belong to a user; costs one stat when it does already."""
    if directory.stat().st_uid == uid:
        return
    for folder, _, names in os.walk(directory):
        for name in names:
            os.chown(Path(folder, name), uid, gid, follow_symlinks=False)
    for folder, _, _ in os.walk(directory):
        os.chown(folder, uid, gid)


def lock_directory(directory: Path, *, seconds: float, message: str) -> int:
    """An open, exclusively locked descriptor of `directory`. Whoever inherits it keeps the lock.

    Raises StartError(message) when somebody else holds it after `seconds`.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StartError(message) from None
            time.sleep(0.05)
        else:
            return descriptor


def private_directory(directory: Path) -> Path:
    """Create `directory` for this user alone (0700)."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    return directory


def wait_until(
    process: subprocess.Popen[bytes], answers: Callable[[], bool], *, seconds: float, cancelled: Callable[[], bool]
) -> bool:
    """Wait for a server: True once it answers or `cancelled()`, False when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline and not cancelled():
        if answers():
            return True
        time.sleep(0.02)
    return cancelled()


def remove_tree(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def last_lines(file: Path, count: int = 10) -> str:
    """The end of a log, for a person to read."""
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 16_384))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-count:])
