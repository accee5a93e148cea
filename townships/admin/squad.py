from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from townships.admin.base import ImportingAdmin
from townships.admin.files import ReferenceResource, resource_for
from townships.models import Certificate, Shift, SquadMember


@admin.register(SquadMember)
class SquadMemberAdmin(ImportingAdmin):
    is_personal = True
    columns = (
        "township",
        "user",
        "slot",
        "position",
        "seconding_unit",
        "status",
        "status_note",
        "valid_from",
        "valid_to",
    )
    private = ("status_note",)
    keys = ["township", "user", "valid_from"]
    resource_classes = [resource_for(SquadMember, columns, keys=keys, private=private)]
    list_display = ["township", "user", "slot", "position", "seconding_unit", "status", "valid_from", "valid_to"]
    list_select_related = ["township", "user", "seconding_unit"]
    list_filter = ["slot", "position", "status"]
    search_fields = ["user__name", "user__username", "township__name"]
    autocomplete_fields = ["township", "user", "seconding_unit"]
    fields = columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        """Whose place it is and where: somebody else's is another row."""
        return ["township", "user", "valid_from"] if obj else []


@admin.register(Certificate)
class CertificateAdmin(ImportingAdmin):
    is_personal = True
    columns = ("number", "holder", "issuer", "domains", "valid_from", "valid_to")
    private = ("number",)
    resource_classes = [resource_for(Certificate, columns, keys=["number"], private=private, fixed=["holder"])]
    list_display = ["number", "holder", "issuer", "valid_from", "valid_to"]
    list_select_related = ["holder"]
    list_filter = ["issuer"]
    search_fields = ["number", "holder__name", "holder__username"]
    autocomplete_fields = ["holder"]
    fields = columns
    date_hierarchy = "valid_to"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return ["number", "holder"] if obj else []


class ShiftResource(ReferenceResource):
    """Who was on duty stays as it was."""

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        super().before_save_instance(instance, row, **kwargs)
        if self.before and instance.day < timezone.localdate():
            raise ValidationError({"day": "已经过去的班次不能改"})


@admin.register(Shift)
class ShiftAdmin(ImportingAdmin):
    columns = ("township", "user", "day", "band", "starts_at", "ends_at", "is_on_call")
    keys = ["township", "user", "day", "band"]
    resource_classes = [resource_for(Shift, columns, keys=keys, base=ShiftResource)]
    list_display = ["day", "band", "township", "user", "starts_at", "ends_at", "is_on_call"]
    list_select_related = ["township", "user"]
    list_filter = ["band", "is_on_call"]
    search_fields = ["user__name", "user__username", "township__name"]
    autocomplete_fields = ["township", "user"]
    fields = columns
    date_hierarchy = "day"
    ordering = ["-day", "band"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who was on duty stays as it was."""
        is_past = obj is not None and obj.day < timezone.localdate()
        return not is_past and super().has_change_permission(request, obj)
