"""派给我们的 and 我们吹的: a unit that whistles and is whistled for has two lists, and looks at one of them at a time."""

from dataclasses import dataclass
from typing import Any

from townships.models import DESKS, Post

IN, OUT = "in", "out"
NAMES = {OUT: "我们吹的", IN: "派给我们的"}


@dataclass(frozen=True)
class Box:
    """`code` is empty for whoever has one list. `query` is what every link of the page keeps; `tabs`: (name, query, is on)."""

    code: str
    unit_id: int
    query: str
    tabs: list[tuple[str, str, bool]]


ONE_LIST = Box("", 0, "", [])


def box_of(request: Any) -> Box:
    """The box that `?box=` names; without it a township what it has whistled for, a department what it is asked for."""
    user: Any = request.user
    post: Post | None = user.acting
    if post is None or not has_both(post):
        return ONE_LIST
    usual, other = (OUT, IN) if post.unit.is_township else (IN, OUT)
    code = other if request.GET.get("box") == other else usual
    queries = {usual: "", other: f"box={other}"}
    tabs = [(NAMES[one], query, one == code) for one, query in queries.items()]
    return Box(code, post.unit_id, queries[code], tabs)


def has_both(post: Post) -> bool:
    """A sub-unit, or an officer of a department, has what was given to them and nothing else."""
    return post.unit.is_township or (post.unit.is_department and post.role in DESKS)
