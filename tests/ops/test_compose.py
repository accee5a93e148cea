"""docker-compose.yml without an engine: the schema, every reference, and what each service must and must not have."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from portal.settings import BASE_DIR

TOLD = {"PORTAL_HOST": "portal.example"}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
ONE_SHOT = {"migrate", "backup"}
SECRET_NAMES = re.compile(r"(PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL|REDIS_URL|FALLBACKS)(_FILE)?$")


def filled() -> str:
    """The file as the engine reads it: its variables filled in."""
    text = (BASE_DIR / "docker-compose.yml").read_text()
    return VARIABLE.sub(lambda found: TOLD.get(found[1]) or (found[3] if found[2] == "-" else ""), text)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(filled())


def every(compose: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from compose["services"].items()


def test_compose_fits_the_schema() -> None:
    found = PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(filled()), sort_keys=False))  # merge keys resolved
    found.validate()
    assert {"postgres", "valkey", "migrate", "web-1", "web-2", "messages", "jobs", "beat", "proxy"} <= set(
        found.service_names()
    )


def faults(compose: dict[str, Any]) -> list[str]:
    """Every reference to what is not defined; every definition that nobody uses; every wait that never ends."""
    found, used = [], {"volumes": set(), "secrets": set(), "networks": set()}
    for name, service in every(compose):
        volumes = {volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith((".", "/"))}
        refers = {
            "volumes": volumes,
            "secrets": set(service.get("secrets", [])),
            "networks": set(service.get("networks", [])),
        }
        for kind, names in refers.items():
            used[kind] |= names
            found += [f"{name}: {kind} {one} is not defined" for one in names - set(compose[kind])]
        for other, how in service.get("depends_on", {}).items():
            target = compose["services"].get(other)
            if target is None:
                found.append(f"{name}: waits for {other}, which is no service")
            elif how["condition"] == "service_healthy" and "healthcheck" not in target:
                found.append(f"{name}: waits for the health of {other}, which tells none")
            elif how["condition"] == "service_completed_successfully" and target["restart"] != "no":
                found.append(f"{name}: waits for the end of {other}, which is started again")
    return found + [f"{kind} {one} is used by nobody" for kind in used for one in set(compose[kind]) - used[kind]]


def test_compose_names_nothing_undefined(compose: dict[str, Any]) -> None:
    assert faults(compose) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["volumes"].pop("files"), "files is not defined"),
        (lambda c: c["secrets"].pop("tls_key"), "tls_key is not defined"),
        (lambda c: c["networks"].update(more={}), "more is used by nobody"),
        (lambda c: c["services"].pop("migrate"), "is no service"),
        (lambda c: c["services"]["valkey"].pop("healthcheck"), "which tells none"),
        (lambda c: c["services"]["migrate"].update(restart="always"), "is started again"),
    ],
)
def test_faults_are_found(change: Any, said: str) -> None:
    compose = yaml.safe_load(filled())
    change(compose)
    assert [fault for fault in faults(compose) if said in fault]


def test_every_service_is_confined(compose: dict[str, Any]) -> None:
    for name, service in every(compose):
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "cpus", "pids_limit"} <= service.keys(), name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name
        assert name in ONE_SHOT or "healthcheck" in service, name
        assert not service.get("privileged") and "docker.sock" not in str(service), name
        assert "ports" not in service or name == "proxy", name


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    for name, service in every(compose):
        for variable, value in service.get("environment", {}).items():
            if SECRET_NAMES.search(variable):
                assert str(value).startswith("/run/secrets/"), f"{name}: {variable}"
                assert str(value).removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"


def test_only_migrations_and_backups_have_the_owners_secret(compose: dict[str, Any]) -> None:
    assert {name for name, service in every(compose) if "owner_database_url" in service.get("secrets", [])} == ONE_SHOT
    superuser = {name for name, service in every(compose) if "postgres_password" in service.get("secrets", [])}
    assert superuser == {"postgres"}


def test_proxy_cannot_reach_the_servers(compose: dict[str, Any]) -> None:
    networks = {name: set(service["networks"]) for name, service in every(compose)}
    for server in ("postgres", "valkey"):
        assert not networks[server] & networks["proxy"]
        assert all(compose["networks"][one]["internal"] for one in networks[server])
    for web in ("web-1", "web-2"):
        assert networks[web] & networks["proxy"] and networks[web] & networks["postgres"]
        assert all(compose["networks"][one]["internal"] for one in networks[web])


def test_processes_are_those_that_run_here(compose: dict[str, Any]) -> None:
    """What `make run` starts and what the containers start are the same commands."""
    from portal.launcher import PROGRAMS  # noqa: PLC0415

    for name in ("messages", "jobs", "beat"):
        assert compose["services"][name]["command"] == list(PROGRAMS[name])[1:], name
    for name in ("web-1", "web-2"):
        assert "command" not in compose["services"][name]
    docker = (BASE_DIR / "Dockerfile").read_text()
    assert 'CMD ["gunicorn", "-c", "python:portal.webserver", "portal.wsgi"]' in docker


def test_database_is_made_like_the_embedded_one(compose: dict[str, Any]) -> None:
    from portal.embedded.postgres import INITDB  # noqa: PLC0415

    assert compose["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split() == list(INITDB)


def test_image_holds_no_secret_and_runs_as_nobody_in_particular() -> None:
    docker = (BASE_DIR / "Dockerfile").read_text()
    stages = docker.split("\nFROM ")[1:]
    assert all("USER " in stage for stage in stages[1:])
    assert "--require-hashes" in docker
    ignored = (BASE_DIR / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert not [line for line in ignored if line.startswith("!") and ("secret" in line or ".env" in line)]
