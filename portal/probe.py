"""`python -m portal.probe web|worker|beat`: whether this container's program works, for its health check; 0 or 1."""

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path

SILENT_S = 600  # beat writes its schedule each three minutes


def web() -> bool:
    """Whether the web here answers /livez."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=3)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker() -> bool:
    """Whether the worker here answers a ping."""
    argv = [sys.executable, "-m", "celery", "-q", "--skip-checks", "-A", "portal", "inspect", "ping", "-t", "3", "-d"]
    names = [f"{queue}@{os.uname().nodename}" for queue in ("messages", "jobs")]
    return subprocess.run([*argv, ",".join(names)], check=False, capture_output=True).returncode == 0  # noqa: S603


def beat() -> bool:
    """Whether beat has written its schedule lately."""
    files = list(Path(os.environ["VAR_DIR"]).glob("beat-schedule*"))
    return any(time.time() - file.stat().st_mtime < SILENT_S for file in files)


if __name__ == "__main__":
    sys.exit(0 if {"web": web, "worker": worker, "beat": beat}[sys.argv[1]]() else 1)
