"""The report form, and the small forms of the desk's and the squad's verbs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.forms.utils import ErrorDict
from django.utils import timezone

from enforcement.forms.files import PhotosField
from enforcement.models import Category, Event
from enforcement.models.category import StepUnit
from enforcement.permissions import can_take_calls
from enforcement.rules.deadlines import Step
from enforcement.services import category as categories
from enforcement.services.event import Origin, Place
from records.services.attachment import MAX_FILES, Upload
from townships.models import Role, Unit

TITLE_LENGTH = 60
INCOMPLETE = "页面不完整，没有提交。请返回上一页，刷新后再试。"
MOST_SEARCHED = 60  # characters; every two of them are looked for in every class
# A mobile, a landline with or without its area code and extension; what is shorter nobody can call back.
CALLABLE = RegexValidator(
    r"^\+?[\d\s-]{7,}(转\s?\d+)?$", "电话不全：请写手机号，或座机号，例如 0575-83000000；没有留就空着。"
)


def text(label: str, length: int, missing: str = "", *, rows: int = 1, **attrs: str) -> forms.CharField:
    """A text field: `missing` is the sentence that says what to do where it must be filled; rows > 1 is a text area."""
    widget = forms.Textarea if rows > 1 else forms.TextInput
    return forms.CharField(
        label=label,
        max_length=length,
        required=bool(missing),
        widget=widget(attrs={**({"rows": str(rows)} if rows > 1 else {}), **attrs}),
        error_messages={"required": missing, "max_length": f"{label}最多 {length} 字，请删短到 {length} 字以内。"},
    )


def request_id() -> forms.UUIDField:
    """The form's own id, which makes two sendings one."""
    wrong = {"required": INCOMPLETE, "invalid": INCOMPLETE}
    return forms.UUIDField(initial=uuid4, widget=forms.HiddenInput, error_messages=wrong)


def degrees(limit: int) -> forms.DecimalField:
    wrong = "位置读得不对，请再按一次“用我的位置”，或不填位置。"
    return forms.DecimalField(
        required=False,
        widget=forms.HiddenInput,
        validators=[MinValueValidator(Decimal(-limit), wrong), MaxValueValidator(Decimal(limit), wrong)],
        error_messages={"invalid": wrong},
    )


class ReportForm(forms.Form):
    """What somebody saw. `waiting` are photos that came with an earlier, refused sending of the same form."""

    request_id = request_id()
    source = forms.ChoiceField(label="来源", choices=Event.Source.choices, initial=Event.Source.CALL)
    outside_number = text("来源编号", 60, placeholder="例如 12345 工单号", autocomplete="off")
    caller_name = text("来电人", 40, autocomplete="off")
    caller_phone = text("来电人电话", 30, inputmode="tel", autocomplete="off")
    caller_phone.validators.append(CALLABLE)
    category_text = text("是什么事", 60, autocomplete="off", enterkeyhint="search")
    category = forms.ModelChoiceField(
        Category.objects.filter(is_active=True, parent__isnull=False),
        label="类别",
        required=False,
        error_messages={"invalid_choice": "这个类别已经停用，请重新找一个。"},
    )
    grid = forms.ModelChoiceField(
        Unit.objects.none(), label="网格", required=False, empty_label="不清楚在哪个网格",
        error_messages={"invalid_choice": "请选本镇街的网格。"},
    )  # fmt: skip
    place = text("地点", 120, "请写地点，例如“东湖路 18 号门口”。", placeholder="路名、门牌或附近的标志")
    longitude = degrees(180)
    latitude = degrees(90)
    facts = text("情况", 4000, "请写看到了什么，一两句话就行。", rows=3, placeholder="看到了什么，影响了谁")
    photos = PhotosField(label="照片（可不传，最多 9 张）", most=None)
    without_waiting = forms.BooleanField(label="这些照片不要了", required=False)
    is_urgent = forms.TypedChoiceField(
        label="紧急吗",
        choices=[("no", "不紧急"), ("yes", "紧急：有人身、财产危险，等不得")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        initial="no",
        error_messages={"required": "请选紧急或不紧急。"},
    )
    settled = text("怎么处置的", 4000, rows=2, placeholder="例如：当场劝离，已清扫")
    title = text("标题", TITLE_LENGTH, placeholder="不填就用地点和类别")

    def __init__(self, *args: Any, user: Any, waiting: Sequence[Upload] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.waiting = waiting
        self.choices: Sequence[Category] = ()
        post = user.acting
        self.township = Unit.objects.get(pk=post.organ_id)
        self.fields["grid"].queryset = grids_of(self.township)  # type: ignore[attr-defined]
        if post.role == Role.GRID:
            self.fields["grid"].initial = post.unit_id
        if not can_take_calls(user):
            for name in ("source", "outside_number", "caller_name", "caller_phone"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._clean_category(data)
        self._clean_position(data)
        if self.extra_photos:
            taken = f"照片最多 {MAX_FILES} 张，多出的 {self.extra_photos} 张没有加入"
            self.add_error("photos", f"{taken}；就用这 {MAX_FILES} 张的话，请再提交一次。")
        return data

    def full_clean(self) -> None:
        """A look for a class checks the photos only, since a browser without JavaScript sends them along."""
        super().full_clean()
        if self.is_looking:
            self._errors = ErrorDict({name: found for name, found in self.errors.items() if name == "photos"})

    @property
    def is_looking(self) -> bool:
        """Sent by one of the buttons that look for a class, not to report."""
        return "find" in self.data or "browse" in self.data

    @property
    def chosen(self) -> Category | None:
        """The class that stands so far, tapped or understood from what was typed."""
        return getattr(self, "cleaned_data", {}).get("category")

    @property
    def form_id(self) -> UUID:
        """The `request_id`: the one that was sent, so that sending twice is once, or a new one."""
        sent: UUID | None = getattr(self, "cleaned_data", {}).get("request_id")
        fresh: UUID = self["request_id"].initial
        return sent or fresh

    def renew(self, sentence: str) -> None:
        """The form has been used before: it comes again with a new id, and with this sentence."""
        self.add_error(None, sentence)
        self.cleaned_data.pop("request_id", None)

    @property
    def sent_photos(self) -> list[Upload]:
        """The good ones of this sending."""
        return self.fields["photos"].good if self.is_bound else []  # type: ignore[attr-defined]

    @property
    def all_photos(self) -> list[Upload]:
        """The first nine of those that wait, unless they are not wanted any more, and those of this sending."""
        return self._photos()[:MAX_FILES]

    @property
    def extra_photos(self) -> int:
        return max(0, len(self._photos()) - MAX_FILES)

    def _photos(self) -> list[Upload]:
        waiting = [] if self.data.get("without_waiting") else self.waiting
        return [*waiting, *self.sent_photos]

    def as_report(self) -> dict[str, Any]:
        """What `event.report` takes. Only after `is_valid()`."""
        data = self.cleaned_data
        names = ("request_id", "category", "facts", "is_urgent", "settled")
        place = Place(self.township, data["place"], data["grid"], data["longitude"], data["latitude"])
        title = data["title"] or title_of(data["place"], data["category"])
        more = {"title": title, "place": place, "origin": self._origin(), "photos": self.all_photos}
        return {**{name: data[name] for name in names}, **more}

    def _origin(self) -> Origin:
        if "source" not in self.fields:
            is_grid = self.user.acting.role == Role.GRID
            return Origin(Event.Source.GRID if is_grid else Event.Source.PATROL)
        names = ("source", "outside_number", "caller_name", "caller_phone")
        return Origin(*(self.cleaned_data[name] for name in names))

    def _clean_category(self, data: dict[str, Any]) -> None:
        typed = data.get("category_text", "")
        if self.is_looking:
            self.choices = categories.search((self.data.get("browse") or typed)[:MOST_SEARCHED])
            return
        if data.get("category") or "category" in self.errors:
            return
        data["category"] = categories.resolve(typed)
        if data["category"]:
            return
        self.choices = categories.search(typed)
        if self.choices:
            self.add_error("category_text", f"“{typed}”有 {len(self.choices)} 类，请点选最像的一类。")
        elif typed:
            self.add_error(
                "category_text", f"没有找到“{typed}”，请换个说法，例如“占道”“垃圾”“噪声”；实在没有就找“其他”。"
            )
        else:
            self.add_error("category_text", "请说明是什么事：写两三个字，例如“占道”，再点选一类。")

    def _clean_position(self, data: dict[str, Any]) -> None:
        if (data.get("longitude") is None) != (data.get("latitude") is None):
            data["longitude"] = data["latitude"] = None


def title_of(place: str, category: Category) -> str:
    """The title where none was typed: the place and the class, at most 60 characters."""
    return f"{place[: TITLE_LENGTH - len(category.name)]}{category.name}"


def grids_of(township: Unit) -> Any:
    return Unit.objects.open_on(timezone.localdate()).filter(parent=township, kind=Unit.Kind.GRID)


class VerbForm(forms.Form):
    """Carries the state that the person saw; if it no longer holds, the service refuses and says who changed it."""

    seen_state = forms.CharField(widget=forms.HiddenInput, error_messages={"required": INCOMPLETE})


class SettleForm(VerbForm):
    result = text("处置结果", 4000, "请写怎么处置的、结果怎样，上报人会看到。", rows=3)
    photos = PhotosField(label="处置后照片（可不传）")


class SquadForm(VerbForm):
    amount = forms.IntegerField(
        label="时限",
        min_value=1,
        max_value=10_000,
        error_messages={
            "required": "请写时限，例如 240 工作分钟。",
            "invalid": "时限请写整数。",
            "min_value": "时限至少是 1。",
            "max_value": "时限太长，请改用工作日。",
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    unit = forms.ChoiceField(label="单位", choices=StepUnit.choices, error_messages={"required": "请选时限的单位。"})

    def limit(self) -> Step:
        return Step(self.cleaned_data["unit"], self.cleaned_data["amount"])


class DismissForm(VerbForm):
    reason = forms.ChoiceField(
        label="原因",
        choices=Event.Dismissal.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "请选一个不予受理的原因。"},
    )
    text = text("告诉上报人", 400, "请用一两句话说明，上报人会看到。", rows=2)
