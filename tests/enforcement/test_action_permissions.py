"""What each role gets of a department's whistle for townships: the matrix of tests/test_permissions.py, turned round."""

from typing import Any
from uuid import uuid4

import pytest

from enforcement.models import Dispatch, Whistle
from enforcement.services import dispatch as dispatches
from tests.cast import BEGINNING, Cast, client_for
from tests.enforcement import joint, walk
from tests.kept import Kept
from tests.test_permissions import ABOVE, CHANGLE_DESK, DESK, EVERYBODY, SCJG, Address, ask, expected, got, page, verb

ASKED = DESK | {"officer"} | CHANGLE_DESK | {"zrzy_liaison", "zrzy_leader"}
SUBMITTED = SCJG | ABOVE
SENT = SUBMITTED | ASKED
TO_GANLIN = SUBMITTED | DESK | {"officer"}
TO_CHANGLE = SUBMITTED | CHANGLE_DESK
TABLE = [
    ("enforcement:whistle-detail", page(SUBMITTED, "submitted", SUBMITTED)),
    ("enforcement:whistle-detail", page(SENT, "sent", SENT)),
    ("enforcement:whistle-approve", verb({"scjg_leader"}, "submitted", SUBMITTED)),
    ("enforcement:whistle-reject", verb({"scjg_leader"}, "submitted", SUBMITTED)),
    ("enforcement:whistle-claim", verb({"scjg_leader"}, "submitted", SUBMITTED)),
    ("enforcement:whistle-confirm", verb({"scjg_leader"}, "emergency", SENT)),
    ("enforcement:whistle-close", verb(SCJG, "reported", SENT)),
    ("enforcement:dispatch-detail", page(TO_GANLIN, "ganlin", TO_GANLIN)),
    ("enforcement:dispatch-detail", page(TO_CHANGLE, "changle", TO_CHANGLE)),
    ("enforcement:dispatch-sign", verb(DESK, "ganlin", TO_GANLIN)),
    ("enforcement:dispatch-sign", verb(CHANGLE_DESK, "changle", TO_CHANGLE)),
    ("enforcement:dispatch-assign", verb(DESK, "ganlin", TO_GANLIN)),
    ("enforcement:dispatch-arrive", verb(DESK | {"officer"}, "signed", TO_GANLIN)),  # the officer was named to go
    ("enforcement:dispatch-interim", verb(DESK, "arrived", TO_GANLIN)),
    ("enforcement:dispatch-report", verb(DESK, "arrived", TO_GANLIN)),
    ("enforcement:dispatch-remark", verb(DESK | SCJG, "ganlin", TO_GANLIN)),
    ("enforcement:dispatch-rework", verb(SCJG, "reported_part", TO_GANLIN)),
    ("enforcement:dispatch-claim", verb(DESK, "ganlin", TO_GANLIN)),
]


def ganlin_part(cast: Cast, whistle: Whistle, until: str) -> Dispatch:
    """Signed, arrived or reported by 甘霖镇."""
    part = walk.part(whistle, cast.ganlin)
    goes = cast.officer if until == "signed" else None
    dispatches.sign(part, by=cast.duty, seen_state="sent", assigned_officer=goes)
    if until in ("arrived", "reported"):
        dispatches.arrive(part, by=cast.duty, seen_state="signed", officers=[cast.officer], uses_power=False)
    if until == "reported":
        said = {"result": "solved", "measures": "已清理", "request_id": uuid4()}
        dispatches.report_back(part, by=cast.duty, seen_state="arrived", **said)
    return part


@pytest.fixture(scope="session")
def kept_world(kept_rows: Kept, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        kept_rows.make("action_world", lambda: make_world(kept_rows.answer("cast")), on=BEGINNING)


@pytest.fixture
def world(cast: Cast, rules: None, kept_rows: Kept, kept_world: None) -> Any:
    return kept_rows.put("action_world")


def make_world(cast: Cast) -> dict[str, Any]:
    """One object in each state that a verb of the table needs, all of them whistled for by 市场监管局."""
    asked = {"by": cast.scjg_liaison, "units": [cast.ganlin, cast.changle, cast.zrzy], "assemble_at": joint.soon()}
    sent = joint.of_scjg(cast, assemble_at=joint.soon())
    parts = {state: ganlin_part(cast, joint.approved(cast, **asked), state) for state in ("signed", "arrived")}
    reported = ganlin_part(cast, joint.approved(cast, **asked), "reported")
    return {
        "submitted": joint.submitted(cast, **asked),
        "emergency": joint.submitted(cast, **asked, kind="emergency"),
        "sent": sent,
        "ganlin": walk.part(sent, cast.ganlin),
        "changle": walk.part(sent, cast.changle),
        **parts,
        "reported": reported.whistle,
        "reported_part": reported,
    }


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_role_gets_what_the_table_says(role: str, cast: Cast, world: dict[str, Any]) -> None:
    wrong, client = [], client_for(getattr(cast, role))
    rows: list[tuple[str, Address]] = sorted(TABLE, key=lambda row: row[1].post)
    for name, address in rows:
        answer = got(ask(client, name, address, world))
        if answer != expected(role, address):
            wrong.append(f"{name} on {address.on}: {answer} instead of {expected(role, address)}")
    assert not wrong, "\n".join(wrong)
