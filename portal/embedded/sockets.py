"""Where the servers' unix sockets are, and the URLs that lead there. Pure paths: nothing here needs a running server."""

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

from portal.embedded.process import StartError, nobody, private_directory

LONGEST_SOCKET_PATH = 107  # bytes; sun_path holds 108 with the closing zero
POSTGRES_SOCKET = ".s.PGSQL.5432"
SYSTEM_TEMP = Path("/tmp")  # noqa: S108  # short and the same for every process, unlike TMPDIR; made 0700, owner checked
OWNER, WEB_ROLE, DATABASE = "portal_owner", "portal_web", "portal"


def socket_directory(home: Path) -> Path:
    """The directory of a server's sockets: inside its home, or under /tmp when the path is too long or needs quoting."""
    wished = home.absolute() / "socket"
    longest = len(os.fsencode(wished / f"{POSTGRES_SOCKET}.lock"))
    if longest <= LONGEST_SOCKET_PATH and re.fullmatch(r"[\w/.-]+", str(wished), re.ASCII):
        return wished
    digest = hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:16]
    return SYSTEM_TEMP / f"portal-{os.geteuid()}-{digest}"


def make_socket_directory(home: Path) -> Path:
    """Create it for this user alone; refuse one that somebody else has put there."""
    directory = socket_directory(home)
    private_parent = directory.parent
    private_parent.mkdir(parents=True, exist_ok=True)
    if directory.is_symlink() or (directory.exists() and directory.stat().st_uid not in (os.geteuid(), nobody()[0])):
        raise StartError(
            f"套接字目录 {directory} 属于其他用户，请先移走。The socket directory belongs to someone else."
        )
    return private_directory(directory)


def postgres_home(var: Path) -> Path:
    return var / "postgres"


def valkey_home(var: Path) -> Path:
    return var / "valkey"


def database_host(var: Path) -> str:
    """What a libpq client takes for a host: the directory of the socket."""
    return str(socket_directory(postgres_home(var)))


def database_url(var: Path, *, role: str = OWNER, database: str = DATABASE) -> str:
    """The URL of the embedded database, as both libpq and django-environ read it."""
    host = quote(database_host(var), safe="/")
    return f"postgres://{role}@/{database}?host={host}&port=5432"


def valkey_socket(var: Path) -> Path:
    return socket_directory(valkey_home(var)) / "valkey.sock"


def redis_url(var: Path, *, number: int = 0) -> str:
    """The URL of the embedded Valkey, as redis-py reads it; `number` is the logical database."""
    return f"unix://{quote(str(valkey_socket(var)), safe='/')}?db={number}"


def broker_url(url: str) -> str:
    """The same URL as Celery's transport writes it: `redis+socket:` and `virtual_host` for a unix socket."""
    return url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
