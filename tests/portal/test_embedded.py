"""The traps of running PostgreSQL and Valkey from wheels, one by one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from portal import embedded
from portal.embedded import postgres as postgres_module
from portal.embedded.process import Rights, StartError, remove_tree
from portal.embedded.sockets import LONGEST_SOCKET_PATH, OWNER, broker_url, make_socket_directory, socket_directory
from portal.settings import BASE_DIR
from tests.settings import SHARED


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory whose sockets would not fit into sun_path, with what an interrupted initdb leaves behind."""
    var = tmp_path_factory.mktemp("嵊州" + "x" * 100)
    half = var / "postgres" / "init-1"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    return var


@pytest.fixture(scope="module")
def cluster(var: Path) -> Iterator["Cluster"]:
    cluster = Cluster(var)
    cluster.start()
    yield cluster
    cluster.stop()
    remove_tree(socket_directory(cluster.server.home))


class Cluster:
    def __init__(self, var: Path) -> None:
        self.server = embedded.Postgres(
            var, var / "log", durable=False, settings={"synchronous_commit": "on"}, lock_seconds=5
        )
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        self.process = self.server.spawn()
        self.server.wait(self.process)

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=10)

    def query(self, sql: str, role: str = "postgres") -> object:
        with closing(self.server.connect("postgres", role=role)) as link, link.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()


def test_search_by_trigram_sees_chinese(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT show_trgm('城市') <> '{}'")
        assert cursor.fetchone() == (True,)


def test_owner_makes_extensions_without_being_superuser(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('is_superuser')")
        assert cursor.fetchone() == (OWNER, "off")
        for extension in ("pg_trgm", "btree_gist", "btree_gin"):
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")


def test_half_made_cluster_is_thrown_away(cluster: Cluster) -> None:
    assert cluster.query("SELECT 1") == (1,)
    assert not list(cluster.server.home.glob("init-*"))


def test_long_path_gets_its_socket_elsewhere(cluster: Cluster) -> None:
    sockets = socket_directory(cluster.server.home)
    assert not sockets.is_relative_to(cluster.server.home)
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH


def test_short_path_keeps_its_socket() -> None:
    assert socket_directory(Path("/srv/portal/var/postgres")) == Path("/srv/portal/var/postgres/socket")


def test_socket_directory_of_a_stranger_is_refused(var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.embedded.sockets.SYSTEM_TEMP", tmp_path)
    socket_directory(var / "postgres").symlink_to(tmp_path)
    with pytest.raises(StartError, match="belongs to someone else"):
        make_socket_directory(var / "postgres")


def test_second_server_on_the_same_data_is_refused(cluster: Cluster) -> None:
    second = embedded.Postgres(cluster.server.var, cluster.server.log, lock_seconds=0)
    with pytest.raises(StartError, match="Another PostgreSQL"):
        second.spawn()


def test_killed_server_starts_again_though_its_number_was_given_to_another(cluster: Cluster) -> None:
    cluster.query("CREATE TABLE kept AS SELECT 1 AS one; SELECT 1")
    pid_file = cluster.server.data / "postmaster.pid"
    written = pid_file.read_text().splitlines()
    cluster.stop(signal.SIGKILL)
    pid_file.write_text("\n".join([str(os.getppid()), *written[1:]]))
    cluster.start()
    assert cluster.query("SELECT one FROM kept") == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as somebody else")
def test_root_without_user_namespaces_runs_it_as_nobody(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.stop()
    cluster.server.var.chmod(0o700)  # as a home directory is: nobody could not pass without a capability
    with monkeypatch.context() as patch:
        patch.setattr(postgres_module, "root_rights", lambda *_: Rights.NOBODY)
        cluster.start()
        assert cluster.query("SELECT 1") == (1,)
        assert Path(f"/proc/{cluster.process.pid}").stat().st_uid != 0
        assert cluster.stop() == 0
    cluster.start()  # and the directories come back
    assert cluster.server.data.stat().st_uid == 0 or cluster.server.rights() is Rights.NOBODY


def test_child_ends_with_a_killed_parent_and_has_its_own_session() -> None:
    code = (
        "import time; from portal.embedded.process import spawn\n"
        "print(spawn(['sleep', '60'], log=2).pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=BASE_DIR) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert os.getsid(child) == child
        parent.kill()
    deadline = time.monotonic() + 2
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Whether it still runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_valkey_keeps_what_it_took_when_it_is_killed(tmp_path: Path) -> None:
    server = embedded.Valkey(tmp_path, tmp_path / "log", lock_seconds=2)
    process = server.spawn()
    server.wait(process)
    with pytest.raises(StartError, match="Another Valkey"):
        embedded.Valkey(tmp_path, tmp_path / "log2", lock_seconds=0).spawn()
    assert "appendonly" in " ".join(server.options())
    process.kill()
    process.wait()
    again = server.spawn()
    server.wait(again)
    again.terminate()
    assert again.wait(timeout=5) == 0


def test_urls_are_read_by_every_client() -> None:
    assert (
        embedded.database_url(Path("/v"), role="r", database="d") == "postgres://r@/d?host=/v/postgres/socket&port=5432"
    )
    assert embedded.redis_url(Path("/v"), number=3) == "unix:///v/valkey/socket/valkey.sock?db=3"
    assert broker_url("unix:///v/s?db=3") == "redis+socket:///v/s?virtual_host=3"
    assert broker_url("redis://queue:6379/0") == "redis://queue:6379/0"
    assert connection.settings_dict["OPTIONS"]["host"] == embedded.database_host(SHARED)
