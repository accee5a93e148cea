"""Every page, list, search, file and figure as a stranger sees it: as if 甘霖镇 had nothing at all."""

import pytest

from tests.attack.conftest import COMPARED, sweep
from tests.attack.world import World, leaks

COLLEAGUE = (
    "scjg_officer"  # whose own department has got something: the tag of the work list may tell that, nothing else
)


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    found = []
    for name, text in after.items():
        if leaks(text):
            found.append(f"{name} tells {leaks(text)}")
        elif text != before[name]:
            found.append(f"{name}: {first_difference(before[name], text)}")
    return found


def first_difference(one: str, other: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"…{one[max(0, at - 60) : at + 60]}… | …{other[max(0, at - 60) : at + 60]}…"


@pytest.mark.parametrize("part", COMPARED)
def test_no_page_tells_that_there_are_foreign_rows(world: World, part: str) -> None:
    """Byte for byte what it was before they came: no word, no number, no count, no tag."""
    found = differences(world.before[part], sweep(world["clients"][part], world["at"]))
    if part == COLLEAGUE:
        found = [one for one in found if "worklist" not in one or leaks(one)]
    assert not found, "\n".join(found)
