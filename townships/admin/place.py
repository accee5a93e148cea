from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from townships.admin.base import ExportingAdmin, ImportingAdmin
from townships.admin.files import resource_for
from townships.forms.calendar import HolidayFileForm, WorkingHoursForm
from townships.models import CalendarYear, Holiday, Unit, User, WorkingHours
from townships.services import holidays

UNPROCESSABLE = 422


@admin.register(Unit)
class UnitAdmin(ImportingAdmin):
    """A unit is closed by its last day and a successor."""

    columns = (
        *("code", "name", "short_name", "kind", "parent", "township", "phone", "is_confirmed"),
        *("return_needs_leader", "valid_from", "valid_to", "successor", "order"),
    )
    resource_classes = [resource_for(Unit, columns, keys=["code"])]
    list_display = ["code", "short_name", "kind", "parent", "township", "is_confirmed", "valid_from", "valid_to"]
    list_select_related = ["parent", "township"]
    list_filter = ["kind", "is_confirmed", "return_needs_leader", ("valid_to", admin.EmptyFieldListFilter)]
    search_fields = ["code", "name", "short_name"]
    autocomplete_fields = ["parent", "township", "successor"]
    fields = columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return ["code"] if obj else []  # numbers of events and whistles carry it


class ViewedAdmin(ExportingAdmin):
    """Comes from a file only, a whole year at a time."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Holiday)
class HolidayAdmin(ViewedAdmin):
    import_export_change_list_template = "admin/townships/holiday/change_list.html"
    resource_classes = [resource_for(Holiday, ["date", "kind", "name"], keys=["date"])]
    list_display = ["date", "kind", "name"]
    list_filter = ["kind"]
    date_hierarchy = "date"
    ordering = ["-date"]

    def get_urls(self) -> list[URLPattern]:
        return [path("load/", self.admin_site.admin_view(self.load), name="load-holidays"), *super().get_urls()]

    def load(self, request: HttpRequest) -> HttpResponse:
        """The upload page; a file with any error changes nothing and is told line by line."""
        if not request.user.has_perm("townships.add_holiday"):
            raise PermissionDenied
        form = HolidayFileForm(request.POST or None, request.FILES or None)
        status = 200
        if request.method == "POST":
            status = UNPROCESSABLE
            if form.is_valid() and _load(form, request):
                return redirect("admin:townships_calendaryear_changelist")
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, "title": "导入放假安排"}
        return render(request, "admin/townships/holiday/load.html", context, status=status)


def _load(form: HolidayFileForm, request: HttpRequest) -> list[int]:
    data, by = form.cleaned_data, cast("User", request.user)
    try:
        years = holidays.load_file(data["file"].read(), by=by, source=data["source"])
    except holidays.HolidayFileError as error:
        form.add_error("file", error.errors)
        return []
    messages.success(request, f"已导入 {'、'.join(map(str, years))} 年放假安排，暂定的期限正在重新计算。")
    return years


@admin.register(CalendarYear)
class CalendarYearAdmin(ViewedAdmin):
    resource_classes = [resource_for(CalendarYear, ["year", "source"], keys=["year"])]
    list_display = ["year", "source", "loaded_at"]
    ordering = ["-year"]


@admin.register(WorkingHours)
class WorkingHoursAdmin(ExportingAdmin):
    """A change is a new row from a later day; what due times were computed with stays as it was."""

    form = WorkingHoursForm
    is_dated = True
    resource_classes = [resource_for(WorkingHours, ["valid_from", "windows"], keys=["valid_from"])]
    list_display = ["valid_from", "spoken"]
    ordering = ["-valid_from"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    @admin.display(description="时段")
    def spoken(self, obj: WorkingHours) -> str:
        return "、".join("-".join(pair) for pair in obj.windows)
