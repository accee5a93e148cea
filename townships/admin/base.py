"""What every table of reference data has in common in the admin. The rooms above use it too."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import content_disposition_header
from import_export.admin import ExportMixin, ImportExportMixin
from import_export.forms import ExportForm

from records.models import Stage
from records.services import access, lock, record
from records.services.spreadsheet import MIMES, XLSX
from townships.admin import history
from townships.admin.files import ImportFolder, NoRowsError, SafeCSV, SafeXLSX, problems, workbook
from townships.services import account_batch
from townships.services.changes import changes

GONE = "这个文件已经导入过，或者过期了，这次没有导入。请先看列表里现在的数据，需要的话重新上传。"
OVERTAKEN = "没有导入：预览以后，另一位管理员改了同样的数据。请重新上传，按新的预览核对。"
FORMATS = [SafeCSV, SafeXLSX]
OK = 200


def xlsx(content: bytes, name: str) -> HttpResponse:
    disposition = content_disposition_header(True, name) or ""
    return HttpResponse(content, content_type=MIMES[XLSX], headers={"Content-Disposition": disposition})


class Picker(AutocompleteSelect):
    """The admin's own falls over what is no id, in an address or a form that is shown again."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, ids(value), attr)


class MultiplePicker(AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, ids(value), attr)


def ids(values: Sequence[str]) -> list[str]:
    return [value for value in values if not value or str(value).isdecimal()]


class RecordedAdmin(admin.ModelAdmin):
    """Nothing is ever deleted here; what is added or changed stands in the timeline, in the same transaction."""

    list_per_page = 50
    show_full_result_count = False
    actions = None
    is_personal = False  # whoever opens a row has read somebody's data: that is on record
    private: tuple[str, ...] = ()  # of these fields the timeline holds only that they were changed
    is_dated = False  # rows that are never edited: the history of one is that of those before and after it
    same: tuple[str, ...] = ()  # which agree in these
    object_history_template = "admin/recorded_history.html"

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            response = super().changeform_view(request, object_id, *args, **kwargs)
        except IntegrityError:  # a colleague was quicker by a moment: the form is looked at again, and says so
            response = super().changeform_view(request, object_id, *args, **kwargs)
        if self.is_personal and object_id and request.method == "GET" and response.status_code == OK:
            access.note(request.user, "person_viewed", self.get_object(request, object_id))
        return response

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """To be saved, it is locked: the whole row is written, and must not undo what became of it in between."""
        row: Any = super().get_object(request, object_id, from_field)
        is_saved = row is not None and request.method == "POST" and connection.in_atomic_block
        if is_saved and self.has_change_permission(request, row):
            lock(row)
        return row

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", Picker(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", MultiplePicker(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        before = self.model._default_manager.get(pk=obj.pk) if change else None
        super().save_model(request, obj, form, change)
        found = changes(before, obj, private=self.private)
        verb, what = ("admin_change", "修改") if change else ("admin_add", "新增")
        if found or not change:
            what = f"{what}{obj._meta.verbose_name}"
            record(obj, verb, by=request.user, what=what, stage=Stage.FILE, data={"changes": found})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Who changed what, from which value to which, and when; of a dated row, all that held before and after it."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"{row} 的历史",
            "opts": self.opts,
            "object": row,
            **history.told(row, same=self.same if self.is_dated else None),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.object_history_template, context)


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

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_template"
        return [path("template/", self.admin_site.admin_view(self.template), name=name), *super().get_urls()]

    def template(self, request: HttpRequest) -> HttpResponse:
        """An empty file with the heads that the import knows."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        heads = [field.column_name for field in self.resource_classes[0]().get_user_visible_fields()]
        return xlsx(workbook({"数据": [heads]}), f"{self.opts.verbose_name}模板.xlsx")

    def add_data_read_fail_error_to_form(self, form: Any, error: Exception) -> None:
        if isinstance(error, NoRowsError):
            form.add_error("import_file", "文件里没有数据：第 1 行是列名，数据从第 2 行起。")
        else:
            form.add_error("import_file", "文件读不出来。请确认格式选得对，并另存为 CSV（UTF-8）或 XLSX 后再试。")

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """One import at a time. A file that is gone, as its confirmation was sent twice, is a sentence and no error page."""
        try:
            with transaction.atomic():
                account_batch.wait_for_turn()
                response: HttpResponse = super().process_import(request, **kwargs)
        except (OSError, ValueError, IndexError):  # no such file, no such format
            messages.warning(request, GONE)
            return redirect(self.import_url())
        return response

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """What a colleague has changed since the preview may refuse rows: the library would say that all went well."""
        if result.has_errors():
            messages.error(request, OVERTAKEN)
            return redirect(self.import_url())
        if refused := len(result.invalid_rows):
            messages.warning(request, f"有 {refused} 行没有导入：预览以后数据有变动。请重新上传，看这几行怎么改。")
        response: HttpResponse = super().process_result(result, request)
        return response

    def import_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")

    def import_action(self, request: HttpRequest, **kwargs: Any) -> TemplateResponse:
        response: TemplateResponse = super().import_action(request, **kwargs)
        context = response.context_data or {}
        context["columns"] = [field.column_name for field in self.resource_classes[0]().get_user_visible_fields()]
        if context.get("result") is not None:
            context["problems"] = problems(context["result"], self.resource_classes[0]())
        return response
