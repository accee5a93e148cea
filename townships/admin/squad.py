from django.contrib import admin

from townships.admin.base import ImportingAdmin
from townships.admin.files import resource_for
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
    resource_classes = [resource_for(SquadMember, columns, keys=["township", "user", "valid_from"])]
    list_display = ["township", "user", "slot", "position", "seconding_unit", "status", "valid_from", "valid_to"]
    list_select_related = ["township", "user", "seconding_unit"]
    list_filter = ["slot", "position", "status"]
    search_fields = ["user__name", "user__username", "township__name"]
    autocomplete_fields = ["township", "user", "seconding_unit"]
    fields = columns


@admin.register(Certificate)
class CertificateAdmin(ImportingAdmin):
    is_personal = True
    columns = ("number", "holder", "issuer", "domains", "valid_from", "valid_to")
    resource_classes = [resource_for(Certificate, columns, keys=["number"])]
    list_display = ["number", "holder", "issuer", "valid_from", "valid_to"]
    list_select_related = ["holder"]
    list_filter = ["issuer"]
    search_fields = ["number", "holder__name", "holder__username"]
    autocomplete_fields = ["holder"]
    fields = columns
    date_hierarchy = "valid_to"


@admin.register(Shift)
class ShiftAdmin(ImportingAdmin):
    columns = ("township", "user", "day", "band", "starts_at", "ends_at", "is_on_call")
    resource_classes = [resource_for(Shift, columns, keys=["township", "user", "day", "band"])]
    list_display = ["day", "band", "township", "user", "starts_at", "ends_at", "is_on_call"]
    list_select_related = ["township", "user"]
    list_filter = ["band", "is_on_call"]
    search_fields = ["user__name", "user__username", "township__name"]
    autocomplete_fields = ["township", "user"]
    fields = columns
    date_hierarchy = "day"
    ordering = ["-day", "band"]
