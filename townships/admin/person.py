from copy import copy
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ForeignKey
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from townships.admin import bulk
from townships.admin.base import ImportingAdmin
from townships.admin.files import ReferenceResource, resource_for
from townships.forms.post import PostForm
from townships.models import Post, User
from townships.services import account, second_factor
from townships.services import post as posts
from townships.services.changes import PERSONAL, changes

OWN_ROW = "不能通过导入修改本人的账号和岗位，请由另一位管理员办理。"


class UserResource(ReferenceResource):
    private = PERSONAL

    def import_instance(self, instance: User, row: Any, **kwargs: Any) -> None:
        super().import_instance(instance, row, **kwargs)
        if instance.pk == kwargs["user"].pk:
            raise ValidationError(OWN_ROW)

    def after_init_instance(self, instance: User, new: Any, row: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if new:
            instance.set_unusable_password()  # nobody gets in before a one-time password is issued

    def after_save_instance(self, instance: User, row: Any, **kwargs: Any) -> None:
        super().after_save_instance(instance, row, **kwargs)
        if self.before and self.before.is_active and not instance.is_active:
            posts.end_sessions([instance.pk])


class PostResource(ReferenceResource):
    def import_instance(self, instance: Post, row: Any, **kwargs: Any) -> None:
        before = copy(instance)
        super().import_instance(instance, row, **kwargs)
        if instance.user_id == kwargs["user"].pk:
            raise ValidationError(OWN_ROW)
        if before.pk and changes(before, instance):
            posts.check_change(before, instance, today=timezone.localdate())

    def after_save_instance(self, instance: Post, row: Any, **kwargs: Any) -> None:
        super().after_save_instance(instance, row, **kwargs)
        posts.after_change(instance, is_new=self.before is None)


@admin.register(User)
class UserAdmin(ImportingAdmin):
    is_personal = True
    resource_classes = [
        resource_for(
            User,
            ["username", "name", "mobile", "email", "home_unit", "is_active"],
            keys=["username"],
            base=UserResource,
        )
    ]
    import_export_change_list_template = "admin/townships/user/change_list.html"
    list_display = ["username", "name", "home_unit", "is_active", "last_login"]
    list_select_related = ["home_unit"]
    list_filter = ["is_active", "must_change_password", ("home_unit__kind", admin.ChoicesFieldListFilter)]
    search_fields = ["username", "name"]
    autocomplete_fields = ["home_unit"]
    fields = ["username", "name", "mobile", "email", "home_unit", "is_active", "disabled_from"]
    private = PERSONAL
    facts = ["last_login", "password_changed_at", "must_change_password", "password_expires_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return [*self.fields, *self.facts] if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.facts, "is_active", "disabled_from"] if obj == request.user else self.facts

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Not by the password: its hash could be found out letter by letter from which rows remain."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if change and {"is_active", "disabled_from"} & set(form.changed_data):
            posts.end_sessions([obj.pk])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.one_time_password)
        reset = self.admin_site.admin_view(self.reset_second_factor)
        own = [
            path("<int:pk>/one-time-password/", view, name="one-time-password"),
            path("<int:pk>/second-factor/", reset, name="reset-second-factor"),
        ]
        return [*own, *bulk.urls(self), *super().get_urls()]

    def reset_second_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask on GET; on POST the person may set up another device, and everybody concerned is told."""
        user = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, user) or user == request.user:
            raise PermissionDenied
        if request.method == "POST":
            second_factor.reset(user, by=request.user)
            self.message_user(
                request, f"已重置 {user} 的二次验证，本人、管理员和审计员都已收到消息。", messages.SUCCESS
            )
            return redirect("admin:townships_user_change", user.pk)
        context = {"opts": self.opts, "original": user, "title": "重置二次验证", "hours": settings.OTP_GRACE_HOURS}
        context |= self.admin_site.each_context(request)
        return render(request, "admin/townships/user/reset_second_factor.html", context)

    @sensitive_variables("password")
    def one_time_password(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask on GET; issue on POST and show the password on this one page, which no cache keeps."""
        user = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, user) or user == request.user:
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "opts": self.opts, "original": user, "title": "一次性密码"}
        if request.method == "POST":
            context["password"] = account.issue_one_time_password(user, by=request.user)
            context["hours"] = account.ONE_TIME_HOURS
        return never_cache(render)(request, "admin/townships/user/one_time_password.html", context)


@admin.register(Post)
class PostAdmin(ImportingAdmin):
    resource_classes = [
        resource_for(
            Post,
            ["user", "unit", "role", "rank", "deputy_for", "valid_from", "valid_to"],
            keys=["user", "unit", "role", "valid_from"],
            base=PostResource,
        )
    ]
    list_display = ["user", "unit", "role", "rank", "valid_from", "valid_to"]
    list_select_related = ["user", "unit"]
    list_filter = ["role", "rank", "unit__kind"]
    search_fields = ["user__name", "user__username", "unit__name"]
    autocomplete_fields = ["user", "unit", "deputy_for"]
    form = PostForm
    fields = ["user", "unit", "role", "rank", "deputy_for", "valid_from", "valid_to"]

    def get_readonly_fields(self, request: HttpRequest, obj: Post | None = None) -> Any:  # noqa: ARG002
        """Who was what, where and from when stays as it was; another post is another row."""
        today = timezone.localdate()
        if obj is None:
            return []
        if obj.valid_to and obj.valid_to < today:
            return self.fields
        fixed = ["user", "unit", "role"]
        return [*fixed, "valid_from"] if obj.valid_from <= today else fixed

    def save_model(self, request: HttpRequest, obj: Post, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        posts.after_change(obj, is_new=not change)

    def has_change_permission(self, request: HttpRequest, obj: Post | None = None) -> bool:
        """Nobody edits the own posts."""
        return super().has_change_permission(request, obj) and (obj is None or obj.user_id != request.user.pk)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.exclude(pk=request.user.pk or 0)
        field: ModelChoiceField | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field
