"""What of a query string may be kept: the fields that the list's own FilterSet knows, with values that it takes."""

from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django_filters import FilterSet

from command_room.filters.contact import PersonFilter, UnitFilter
from command_room.models import ListCode
from enforcement.filters.dispatch import DispatchFilter
from enforcement.filters.escalation import EscalationFilter
from enforcement.filters.event import EventFilter
from enforcement.filters.whistle import WhistleFilter
from enforcement.models import Dispatch, Escalation, Event, Whistle
from townships.models import Unit, User

SETS: dict[str, tuple[Any, Any]] = {
    ListCode.EVENTS: (EventFilter, Event),
    ListCode.WHISTLES: (partial(WhistleFilter, is_out=False), Whistle),
    ListCode.DISPATCHES: (partial(DispatchFilter, is_out=False, is_in=False), Dispatch),
    ListCode.ESCALATIONS: (EscalationFilter, Escalation),
    ListCode.PEOPLE: (PersonFilter, User),
    ListCode.UNITS: (UnitFilter, Unit),
}
BOXED = (ListCode.WHISTLES, ListCode.DISPATCHES)
BOXES = ("in", "out")
MOST_FIELDS = 30


def kept(code: str, query: str, request: HttpRequest) -> str:
    """The query as it is kept. Raises ValidationError with a sentence."""
    try:
        pairs = dict(parse_qsl(query.lstrip("?"), max_num_fields=MOST_FIELDS))
    except ValueError:
        raise ValidationError("这组条件太长，没有保存。请减少条件后再试。") from None
    make, model = SETS[code]
    filters: FilterSet = make(QueryDict(urlencode(pairs)), model._default_manager.none(), request=request)
    known = {name: pairs[name] for name in filters.form.fields if pairs.get(name, "").strip()}
    if wrong := [str(filters.form.fields[name].label) for name in filters.form.errors if name in filters.form.fields]:
        raise ValidationError(f"“{'、'.join(wrong)}”的值不对，没有保存。请在筛选里改好后再保存。")
    if not known:
        raise ValidationError("现在没有筛选条件，没有什么可保存。请先选条件、按“筛选”，再保存。")
    box = {"box": pairs["box"]} if code in BOXED and pairs.get("box") in BOXES else {}
    return urlencode({**box, **known})
