"""The numbers of the tables that may be configured: their names and types, where they come from, how a file overrides.

They are plain JSON, as `--show-config` prints it: {table: {name: …}}.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.decide.cells import BadInput


@dataclass(frozen=True)
class Leaf:
    """One number: what it may be, in Chinese, and the test of a JSON value."""

    allowed: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Group:
    """Named numbers. `optional` = null stands for none of them."""

    names: Mapping[str, "Leaf | Group"]
    optional: bool = False


@dataclass(frozen=True)
class Numbers:
    """The numbers of one table: their shape, the shipped values, and how today's are read from the database."""

    shape: Group
    shipped: Callable[[], dict[str, Any]]
    stored: Callable[[], dict[str, Any]]


def whole(minimum: int = 0) -> Leaf:
    return Leaf(f"不小于 {minimum} 的整数", lambda value: type(value) is int and value >= minimum)


def one_of(*codes: str) -> Leaf:
    return Leaf("、".join(codes) + " 之一", lambda value: value in codes)


def parse(data: bytes) -> Any:
    """A configuration file's JSON. Raises BadInput."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except ValueError as error:  # not UTF-8 is one, too
        raise BadInput([f"配置文件不是 UTF-8 编码的 JSON：{error}"]) from None


def override(shape: Leaf | Group, base: Any, changes: Any) -> Any:
    """`base` with what `changes` names replaced. Raises BadInput with every unknown name and wrong type."""
    faults: list[str] = []
    merged = _merge(shape, base, changes, "", faults)
    if faults:
        raise BadInput(faults)
    return merged


def _merge(shape: Leaf | Group, base: Any, changes: Any, path: str, faults: list[str]) -> Any:
    if isinstance(shape, Leaf):
        if not shape.accepts(changes):
            faults.append(f"配置 {path}：{_shown(changes)} 不合规，允许的是：{shape.allowed}")
        return changes
    if changes is None and shape.optional:
        return None
    if not isinstance(changes, dict):
        faults.append(
            f"配置 {path or '文件'}：{_shown(changes)} 不合规，应为对象，可用的名称：{'、'.join(shape.names)}"
        )
        return base
    merged = dict(base or {})
    for name, value in changes.items():
        if name in shape.names:
            merged[name] = _merge(shape.names[name], merged.get(name), value, f"{path}.{name}".lstrip("."), faults)
        else:
            faults.append(f"配置 {path or '文件'}：没有名称 {_shown(name)}，可用的名称：{'、'.join(shape.names)}")
    faults += _missing(shape, merged, path)
    return merged


def _missing(shape: Group, merged: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.names:
        if name not in merged:
            yield f"配置 {path}：还缺少 {name}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
