"""Confirming a whistle, with what the whistling unit says of each department that came."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms

from enforcement.forms.event import VerbForm, text
from enforcement.models import Dispatch
from enforcement.services.rating import Rating

STARS = [*((str(stars), f"{stars} 星") for stars in range(1, 6)), ("", "不评")]


@dataclass(frozen=True)
class RatingFields:
    """The three fields about one department."""

    stars: forms.BoundField
    tags: forms.BoundField
    text: forms.BoundField


class CloseForm(VerbForm):
    """Confirm; stars, tags and words for each department that came, given or not. `is_open`: stars are still taken."""

    def __init__(self, *args: Any, dispatches: Iterable[Dispatch], is_open: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rated = {dispatch.pk: dispatch for dispatch in dispatches if dispatch.arrived_at} if is_open else {}
        for pk, dispatch in self.rated.items():
            self.fields[f"stars_{pk}"] = forms.TypedChoiceField(
                label=f"给{dispatch.department}评价",
                choices=STARS,
                coerce=int,
                empty_value=None,
                required=False,
                error_messages={"invalid_choice": "评价请选 1 到 5 星，或不评。"},
            )
            self.fields[f"tags_{pk}"] = forms.MultipleChoiceField(
                label=f"{dispatch.department}好在哪里",
                choices=Dispatch.Tag.choices,
                required=False,
                error_messages={"invalid_choice": "请只在列出的几条里选。"},
            )
            self.fields[f"text_{pk}"] = text(f"给指导办的话（{dispatch.department}）", 400, rows=2)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for pk, dispatch in self.rated.items():
            says_more = data.get(f"tags_{pk}") or data.get(f"text_{pk}")
            if says_more and not data.get(f"stars_{pk}") and f"stars_{pk}" not in self.errors:
                self.add_error(
                    f"stars_{pk}", f"写了{dispatch.department}怎样，请再选几颗星；不评的话，去掉勾选和文字。"
                )
        return data

    def of(self, dispatch: Dispatch) -> RatingFields | None:
        """What the page shows of one department; None where it is not rated."""
        if dispatch.pk not in self.rated:
            return None
        pk = dispatch.pk
        return RatingFields(self[f"stars_{pk}"], self[f"tags_{pk}"], self[f"text_{pk}"])

    @property
    def says_stars(self) -> bool:
        """Whether any were chosen, be it on a page that is older than the end of the evaluation."""
        return any(value for name, value in self.data.items() if name.startswith("stars_"))

    def ratings(self) -> dict[int, Rating]:
        """Dispatch id → what was said of it, of those with stars. Only after `is_valid()`."""
        said = {pk: [self.cleaned_data[f"{name}_{pk}"] for name in ("stars", "tags", "text")] for pk in self.rated}
        return {pk: Rating(*parts) for pk, parts in said.items() if parts[0]}
