"""nginx as docker-compose.yml runs it: the same configuration file, with addresses of this machine."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import until
from bench.servers import ROOT, STOP_SECONDS, free_port

TEMPLATE = ROOT / "ops/nginx.conf.template"
HOST = "localhost"
PLACES = "/usr/sbin:/usr/local/sbin"
MISSING = "nginx or openssl is not installed here: apt-get install nginx-light openssl"


def binary(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=PLACES)


def is_here() -> bool:
    return bool(binary("nginx") and binary("openssl"))


def render(values: Mapping[str, str]) -> str:
    """The configuration, as the image's envsubst makes it: only names that are given are replaced."""
    return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), TEMPLATE.read_text())


def certificate(folder: Path) -> None:
    """A self-made certificate for HOST: tls.pem and tls.key."""
    argv = [binary("openssl") or "", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    argv += ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.pem")]
    subprocess.run(argv, check=True, capture_output=True)


@dataclass(frozen=True)
class Proxy:
    port: int
    folder: Path
    pid: int

    @property
    def certificate(self) -> str:
        return str(self.folder / "tls.pem")

    def log(self) -> list[str]:
        return (self.folder / "access.log").read_text().splitlines()


def values(folder: Path, static_parent: Path, webs: tuple[int, int]) -> dict[str, str]:
    return {
        "PORTAL_HOST": HOST,
        "WEB_1": f"127.0.0.1:{webs[0]}",
        "WEB_2": f"127.0.0.1:{webs[1]}",
        "HTTP_PORT": f"127.0.0.1:{free_port()}",
        "HTTPS_PORT": f"127.0.0.1:{free_port()}",
        "TLS_CERTIFICATE": str(folder / "tls.pem"),
        "TLS_KEY": str(folder / "tls.key"),
        "STATIC_PARENT": str(static_parent),
        "MIME_TYPES": "/etc/nginx/mime.types",
        "RUN_DIR": str(folder),
        "CACHE_DIR": str(folder),
        "ACCESS_LOG": str(folder / "access.log"),
    }


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def proxy(folder: Path, static_parent: Path, webs: tuple[int, int]) -> Iterator[Proxy]:
    """nginx before these two ports. Raises CalledProcessError when it does not take the configuration."""
    certificate(folder)
    told = values(folder, static_parent, webs)
    (folder / "nginx.conf").write_text(render(told))
    more = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")  # else its workers could not enter the folder
    argv = [binary("nginx") or "", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", more]
    subprocess.run([*argv, "-t", "-q"], check=True, capture_output=True, text=True)
    with (folder / "nginx.err").open("wb") as errors:
        process = subprocess.Popen(argv, stdout=errors, stderr=errors, start_new_session=True)
    try:
        port = int(told["HTTPS_PORT"].rpartition(":")[2])
        until(lambda: listens(port), 10)
        yield Proxy(port, folder, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
