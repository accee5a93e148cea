"""`make audit`: known vulnerabilities of what the two locks name. Fails too when it could not find out.

First a canary is asked for: a Django of 2021 that is known to be vulnerable. A source that finds nothing there, because it
is not reached or knows nothing, would find nothing anywhere, and pip-audit ends with 0 then. AUDIT_OSV_URL names an
advisory service with OSV's interface to ask instead of the package index, as one inside one's own network.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
CANARY = "django==3.2.0 --hash=sha256:0604e84c4fb698a5e53e5857b5aea945b2f19a18f25f10b8748dbdf935788927\n"
NOTHING_AUDITED = 2
PATIENCE_S = 900


@dataclass(frozen=True)
class Found:
    """What the source said of one list of packages."""

    vulnerable: tuple[str, ...]
    not_audited: tuple[str, ...]
    audited: int


class Silent(Exception):  # noqa: N818 - a sentence to whoever asked
    """The source gave no answer."""


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as folder:
            canary = Path(folder) / "canary.txt"
            canary.write_text(CANARY)
            known = ask(canary)
        if not known.vulnerable:
            raise Silent("it knows nothing against django 3.2.0, which is vulnerable")
        found = [ask(lock) for lock in LOCKS]
    except Silent as error:
        print(f"NOTHING WAS AUDITED: the source of advisories does not answer ({error}).")
        print("Run this where the package index or AUDIT_OSV_URL can be reached; docs/operations.md, Audit.")
        return NOTHING_AUDITED
    return tell(found)


def tell(found: list[Found]) -> int:
    """The exit code, after the words."""
    bad = sorted({line for one in found for line in one.vulnerable})
    unknown = sorted({line for one in found for line in one.not_audited})
    audited = sum(one.audited for one in found)
    for line in bad:
        print(f"  VULNERABLE  {line}")
    for line in unknown:
        print(f"  NOT AUDITED {line}")
    print(f"{audited} packages audited, {len(bad)} vulnerabilities, {len(unknown)} packages not audited")
    if not audited:
        return NOTHING_AUDITED
    return 1 if bad or unknown else 0


def ask(requirements: Path) -> Found:
    """pip-audit's answer. Raises Silent when there is none."""
    argv = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--require-hashes", "--disable-pip"]
    argv += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    if url := os.environ.get("AUDIT_OSV_URL"):
        argv += ["--vulnerability-service", "osv", "--osv-url", url]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        raise Silent(f"no answer in {PATIENCE_S} s") from None
    except (ValueError, KeyError):
        raise Silent(done.stderr.strip().rpartition("\n")[2][-300:] or "no answer") from None
    answered = [one for one in packages if "skip_reason" not in one]
    return Found(
        tuple(f"{one['name']} {one['version']}: {flaw['id']}" for one in answered for flaw in one["vulns"]),
        tuple(one["skip_reason"] for one in packages if "skip_reason" in one),
        len(answered),
    )


if __name__ == "__main__":
    sys.exit(main())
