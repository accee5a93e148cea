"""Reference data of this room. Events, whistles, dispatches and callers are not here: administrators read no files."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from import_export import widgets
from import_export.fields import Field

from enforcement.forms.rule import LimitForm, RuleEndForm, RuleForm, rule_faults
from enforcement.models import Category, Limit, RoutingRule
from enforcement.services import dated
from townships.admin.base import ImportingAdmin
from townships.admin.files import ReferenceResource, Text, resource_for
from townships.models import Unit

NOT_EDITED = "已有的行不能改。请新起一行，写新的起用日期，原来的会自动停用。"


class DatedResource(ReferenceResource):
    """A row of a file is a new row from its day on; one that is there already is left alone, or refused if it differs."""

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        is_new = instance.pk is None
        super().import_instance(instance, row, **kwargs)
        if is_new:
            self.check(instance)
            dated.take_over(instance, by=kwargs["user"])

    def check(self, instance: Any) -> None:
        try:
            dated.check_start(instance, today=timezone.localdate())
        except dated.BadDay as error:
            raise ValidationError({"valid_from": str(error)}) from error

    def validate_instance(
        self,
        instance: Any,
        import_validation_errors: Any = None,
        validate_unique: Any = True,  # noqa: FBT002 - the library's signature
    ) -> None:
        """What is wrong already is told alone: the row before still stands, so that the overlap would be told too."""
        if import_validation_errors:
            raise ValidationError(import_validation_errors)
        super().validate_instance(instance, None, validate_unique)

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        if instance.pk is not None:
            raise ValidationError(NOT_EDITED)
        super().before_save_instance(instance, row, **kwargs)


class Departments(widgets.ManyToManyWidget):
    """Codes with ; between. An unknown code is an error, not silently left out."""

    def __init__(self) -> None:
        super().__init__(Unit, separator=";", field="code")

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[Unit]:  # noqa: ARG002
        codes = [code.strip() for code in Text().clean(value).split(";") if code.strip()]
        units = Unit.objects.in_bulk(codes, field_name="code")
        if unknown := [code for code in codes if code not in units]:
            raise ValidationError({"helpers": f"找不到机构“{'、'.join(unknown)}”，请填写机构代码，之间用 ; 隔开"})
        return [units[code] for code in codes]


class RuleResource(DatedResource):
    helpers = Field(attribute="helpers", column_name="协办", widget=Departments(), default=None)

    def check(self, instance: Any) -> None:
        super().check(instance)
        names = ("lead", "route", "kind", "squad_amount", "squad_unit")
        faults = rule_faults({name: getattr(instance, name) for name in names}, [])
        if faults:
            raise ValidationError(dict(faults))


@admin.register(Category)
class CategoryAdmin(ImportingAdmin):
    """A class is switched off, never deleted: events carry it."""

    columns: list[Any] = ["code", "name", "parent", "keywords", "is_active"]
    resource_classes = [resource_for(Category, columns, keys=["code"])]
    list_display = ["code", "name", "parent", "keywords", "is_active"]
    list_select_related = ["parent"]
    list_filter = ["is_active", ("parent", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["code", "name", "keywords"]
    autocomplete_fields = ["parent"]
    fields = columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return ["code"] if obj else []


class DatedAdmin(ImportingAdmin):
    """Adding is changing: the row that held until then is closed by the new one."""

    is_dated = True
    prefilled: tuple[str, ...] = ()  # what the link 改 takes along into the new row's form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            dated.take_over(obj, by=request.user)
        super().save_model(request, obj, form, change)

    @admin.display(description="改动")
    def new_row(self, obj: Any) -> str:
        values = {name: obj.serializable_value(name) for name in self.prefilled}
        query = urlencode({name: value for name, value in values.items() if value not in (None, "")})
        url = reverse(f"admin:enforcement_{self.opts.model_name}_add")
        return format_html('<a href="{}?{}">从某天起改</a>', url, query)


@admin.register(Limit)
class LimitAdmin(DatedAdmin):
    same = dated.SAME[Limit]
    form = LimitForm
    columns = ["kind", "step", "amount", "unit", "valid_from", "valid_to", "reason"]
    resource_classes = [resource_for(Limit, columns, keys=["kind", "step", "valid_from"], base=DatedResource)]
    prefilled = ("kind", "step", "amount", "unit")
    list_display = [*columns, "new_row"]
    list_filter = ["kind", "step", ("valid_to", admin.EmptyFieldListFilter)]
    search_fields = ["reason"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only as the right to import; a row itself is looked at, not edited."""
        return obj is None and super().has_change_permission(request)


@admin.register(RoutingRule)
class RoutingRuleAdmin(DatedAdmin):
    """An existing row can only be ended."""

    same = dated.SAME[RoutingRule]

    columns = [
        *["category", "township", "route", "lead", "helpers", "kind", "squad_amount", "squad_unit"],
        *["valid_from", "valid_to", "reason"],
    ]
    keys = ["category", "township", "valid_from"]
    resource_classes = [resource_for(RoutingRule, columns, keys=keys, base=RuleResource)]
    prefilled = ("category", "township", "route", "lead", "kind", "squad_amount", "squad_unit", "reason")
    list_display = ["category", "township", "route", "lead", "kind", "limit", "valid_from", "valid_to", "new_row"]
    list_select_related = ["category", "township", "lead"]
    list_filter = ["route", "kind", ("valid_to", admin.EmptyFieldListFilter)]
    search_fields = ["category__code", "category__name", "township__name", "lead__name", "reason"]
    autocomplete_fields = ["category", "township", "lead", "helpers"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: Any = False, **kwargs: Any) -> Any:  # noqa: FBT002
        return super().get_form(request, obj, change, **{**kwargs, "form": RuleEndForm if obj else RuleForm})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return self.columns if obj else RuleForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return [name for name in self.columns if name != "valid_to"] if obj else []

    @admin.display(description="队伍时限")
    def limit(self, obj: RoutingRule) -> str:
        return f"{obj.squad_amount} {obj.get_squad_unit_display()}" if obj.squad_amount else ""
