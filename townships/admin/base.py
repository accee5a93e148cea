"""What every table of reference data has in common in the admin. The rooms above use it too."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from import_export.admin import ExportMixin, ImportExportMixin
from import_export.forms import ExportForm

from records.models import Stage
from records.services import access, record
from townships.admin.files import ImportFolder, NoRowsError, SafeCSV, SafeXLSX, problems

FORMATS = [SafeCSV, SafeXLSX]
OK = 200


class RecordedAdmin(admin.ModelAdmin):
    """Nothing is ever deleted here; what is added or changed stands in the timeline, in the same transaction."""

    list_per_page = 50
    show_full_result_count = False
    actions = None
    is_personal = False  # whoever opens a row has read somebody's data: that is on record

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        response = super().changeform_view(request, object_id, *args, **kwargs)
        if self.is_personal and object_id and request.method == "GET" and response.status_code == OK:
            access.note(request.user, "person_viewed", self.get_object(request, object_id))
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record(obj, "admin_add", by=request.user, what=f"新增{obj._meta.verbose_name}", stage=Stage.FILE)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record(obj, "admin_change", by=request.user, what=f"修改{obj._meta.verbose_name}", stage=Stage.FILE)
        return super().log_change(request, obj, message)


class ExportingAdmin(ExportMixin, RecordedAdmin):
    """Can be looked at and taken along."""

    export_form_class = ExportForm
    export_formats = FORMATS

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        """What is taken along is on record."""
        rows = queryset.count()
        access.note(request.user, "exported", count=rows, detail={"list": str(self.opts.verbose_name)})
        return super().get_export_data(file_format, request, queryset, **kwargs)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


class ImportingAdmin(ImportExportMixin, ExportingAdmin):
    """Can also be filled from a file, with a preview and the errors of each row."""

    import_formats = FORMATS
    tmp_storage_class = ImportFolder

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def add_data_read_fail_error_to_form(self, form: Any, error: Exception) -> None:
        if isinstance(error, NoRowsError):
            form.add_error("import_file", "文件里没有数据：第 1 行是列名，数据从第 2 行起。")
        else:
            form.add_error("import_file", "文件读不出来。请确认格式选得对，并另存为 CSV（UTF-8）或 XLSX 后再试。")

    def import_action(self, request: HttpRequest, **kwargs: Any) -> TemplateResponse:
        response: TemplateResponse = super().import_action(request, **kwargs)
        context = response.context_data or {}
        context["columns"] = [field.column_name for field in self.resource_classes[0]().get_user_visible_fields()]
        if context.get("result") is not None:
            context["problems"] = problems(context["result"], self.resource_classes[0]())
        return response
