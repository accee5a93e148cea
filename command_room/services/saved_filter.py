"""Filters kept under a name, for oneself or for the whole unit."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from command_room.models import DefaultFilter, SavedFilter
from records.models import Stage
from records.services import Refused, once, record

TAKEN = "已经有一个叫“{}”的筛选，请换个名字，或者先删掉那一个。"


def of_list(user: Any, code: str) -> list[SavedFilter]:
    """The chips over a list, the unit's first, each with `is_default`. One query where there are none, else two."""
    return _marked(user, SavedFilter.objects.visible_to(user).filter(list=code).order_by("unit_id", "id"))


def seen(user: Any) -> list[SavedFilter]:
    """All of this person's and their unit's, by list, each with `is_default`."""
    return _marked(user, SavedFilter.objects.visible_to(user).order_by("list", "unit_id", "id"))


def _marked(user: Any, filters: QuerySet[SavedFilter]) -> list[SavedFilter]:
    found = list(filters)
    defaults = set(DefaultFilter.objects.filter(user=user.pk).values_list("saved_filter", flat=True)) if found else ()
    for one in found:
        one.is_default = one.pk in defaults
    return found


def save(*, code: str, name: str, query: str, is_shared: bool, by: Any, request_id: UUID) -> SavedFilter:
    """Whether the name is free and there is room, `refusal` has said; a colleague may be quicker by a moment."""
    whose = {"unit_id": by.acting.unit_id} if is_shared else {"owner": by}

    def create() -> SavedFilter:
        fields = {"list": code, "name": name, "query": query, **whose}
        made = SavedFilter.objects.create(made_by=by, request_id=request_id, **fields)
        record(made, "filter_save", by=by, what=f"保存了筛选“{name}”", stage=Stage.FILE, data={"query": query})
        return made

    try:
        return once(SavedFilter, request_id, create, name=name, list=code, made_by=by)
    except IntegrityError as error:
        raise taken(name, Q(**whose), code, error) from error


def taken(name: str, whose: Q, code: str, error: IntegrityError) -> Exception:
    """The sentence about the one that has the name, which the unique index has just told of."""
    other = SavedFilter.objects.filter(whose, list=code, name=name).first()
    return Refused(other, TAKEN.format(name)) if other else error


def refusal(*, code: str, name: str, is_shared: bool, by: Any, request_id: UUID) -> str:
    """Why a filter of this name is not kept, as a sentence; empty if it may be."""
    whose = Q(unit_id=by.acting.unit_id) if is_shared else Q(owner=by)
    others = SavedFilter.objects.filter(whose, list=code).exclude(request_id=request_id)
    if others.filter(name=name).exists():
        return TAKEN.format(name)
    if others.count() >= settings.SAVED_FILTERS:
        side = "本单位" if is_shared else "您"
        return f"{side}在这个列表已经保存了 {settings.SAVED_FILTERS} 个筛选，请先删掉不用的。"
    return ""


def held(saved: SavedFilter) -> None:
    """Lock it. Raises Http404 where a colleague has deleted it in this moment."""
    get_object_or_404(SavedFilter.objects.select_for_update(), pk=saved.pk)


def rename(saved: SavedFilter, *, name: str, by: Any) -> None:
    before, saved.name = saved.name, name
    try:
        with transaction.atomic():
            held(saved)
            saved.save(update_fields=["name"])
            record(saved, "filter_rename", by=by, what=f"把筛选“{before}”改名为“{name}”", stage=Stage.FILE)
    except IntegrityError as error:
        whose = Q(unit_id=saved.unit_id) if saved.is_shared else Q(owner_id=saved.owner_id)
        raise taken(name, whose, saved.list, error) from error


@transaction.atomic
def delete(saved: SavedFilter, *, by: Any) -> None:
    held(saved)
    record(
        saved, "filter_delete", by=by, what=f"删除了筛选“{saved.name}”", stage=Stage.FILE, data={"query": saved.query}
    )
    saved.delete()


@transaction.atomic
def set_default(saved: SavedFilter, *, by: Any) -> None:
    held(saved)
    DefaultFilter.objects.update_or_create(user=by, list=saved.list, defaults={"saved_filter": saved})
    record(saved, "filter_default", by=by, what=f"把筛选“{saved.name}”设为本人默认", stage=Stage.FILE)


@transaction.atomic
def clear_default(saved: SavedFilter, *, by: Any) -> None:
    DefaultFilter.objects.filter(user=by, saved_filter=saved).delete()
    record(saved, "filter_no_default", by=by, what=f"不再默认用筛选“{saved.name}”", stage=Stage.FILE)
