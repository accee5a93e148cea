"""What a list shows under an address: its page reads it, and so does whatever works on exactly the same rows."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django_filters import FilterSet

from enforcement.filters.bar import bar


@dataclass(frozen=True)
class Asker:
    """Who asks for what: as much of a request as the filters look at."""

    user: Any
    GET: QueryDict


@dataclass(frozen=True)
class Asked:
    """`side`: which of a unit's two lists it is, in words; empty for whoever has one."""

    filters: FilterSet
    side: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether every filter was understood: one that was not would be left out, and the rows be others than meant."""
        return not self.filters.is_bound or bool(self.filters.is_valid())

    @property
    def rows(self) -> QuerySet[Any]:
        found: QuerySet[Any] = self.filters.qs
        return found

    def words(self) -> str:
        """The filters as the page names them; empty where there are none."""
        said = [self.side] if self.side else []
        for field in bar(self.filters):
            if field.value:
                said.append(f"{field.label}：{dict(field.options).get(field.value, field.value)}")
        return "；".join(said)
