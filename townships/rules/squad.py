"""The 1+1+3+X squad of a township: which places it must have, and which of them are filled (domain 1.3, 1.4)."""

from collections.abc import Collection
from dataclasses import dataclass

OWN, ZHZF, ZRZY, JTYS, SCJG, LIAISON = "own", "zhzf", "zrzy", "jtys", "scjg", "liaison"

# (slot, code of the department a liaison stands for) → what the page calls the place
PLACES: dict[tuple[str, str], str] = {
    (OWN, ""): "镇街自有人员",
    (ZHZF, ""): "综合执法局派驻",
    (ZRZY, ""): "自然资源局派驻",
    (JTYS, ""): "交通运输局派驻",
    (SCJG, ""): "市场监管局派驻",
    (LIAISON, "nyncj"): "农业农村局联络员",
    (LIAISON, "wgl"): "文广旅游局联络员",
    (LIAISON, "wsjk"): "卫生健康局联络员",
    (LIAISON, "yjgl"): "应急管理局联络员",
    (LIAISON, "sthj"): "生态环境分局联络员",
}


@dataclass(frozen=True)
class Completeness:
    """编成完整度: `have` of `of` places are filled; `missing` names the others, in the order of the squad."""

    have: int
    of: int
    missing: tuple[str, ...]


def completeness(filled: Collection[tuple[str, str]]) -> Completeness:
    """`filled` holds (slot, department code) of everybody who belongs to the squad that day; the code of a slot other
    than `liaison` does not matter, since the slot itself says who sends.
    """
    taken = {(slot, code if slot == LIAISON else "") for slot, code in filled}
    missing = tuple(name for place, name in PLACES.items() if place not in taken)
    return Completeness(have=len(PLACES) - len(missing), of=len(PLACES), missing=missing)
