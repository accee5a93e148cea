"""A read-only look at what was sent, sending again what failed, and the mails that were written to files."""

from email.message import EmailMessage
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.timesince import timesince
from django.views.decorators.http import require_POST

from notifications import mail_files
from notifications.kinds import restore
from notifications.models import Delivery, MessagePreference
from notifications.models.message import OVERDUE
from notifications.permissions import can_administer
from notifications.services import outbox
from records.services import access

FILES_SHOWN = 100


class StuckFilter(admin.SimpleListFilter):
    """What needs somebody: failed for good, or open for longer than any retry but the last ones explains."""

    title = "需要留意"
    parameter_name = "attention"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("failed", "发送失败"),
            ("stuck", "十分钟仍未发出"),
            ("passed_on", "改走下一渠道"),
            ("any", "以上任一"),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        stuck = Q(state__in=Delivery.OPEN, created_at__lte=timezone.now() - OVERDUE)
        wanted = {
            "failed": Q(state=Delivery.State.FAILED),
            "stuck": stuck,
            "passed_on": Q(state=Delivery.State.PASSED_ON),
            "any": stuck | Q(state__in=[Delivery.State.FAILED, Delivery.State.PASSED_ON]),
        }
        return queryset.filter(wanted.get(self.value() or "", Q()))


class ReadOnlyAdmin(admin.ModelAdmin):
    """What the portal itself writes, to be looked at."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    change_list_template = "notifications/delivery_changelist.html"
    list_display = ("number", "kind", "channel", "address", "state", "attempts", "age", "next_at", "sent_at", "error")
    list_filter = (StuckFilter, "state", "channel")
    list_select_related = ("message",)
    ordering = ("-id",)
    search_fields = ("address", "message__data__number")
    actions = ("send_again",)

    @admin.display(description="编号")
    def number(self, delivery: Delivery) -> str:
        return str(delivery.message.data["number"])

    @admin.display(description="种类")
    def kind(self, delivery: Delivery) -> str:
        return restore(delivery.message.kind, delivery.message.data).title

    @admin.display(description="已等待")
    def age(self, delivery: Delivery) -> str:
        return timesince(delivery.created_at) if delivery.state in Delivery.OPEN else ""

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return can_administer(request.user)

    @admin.action(description="重新发送（仅限发送失败的）", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        sent = sum(outbox.resend(delivery, by=request.user) for delivery in queryset)
        self.message_user(request, f"{sent} 条已重新排队发送", messages.SUCCESS if sent else messages.WARNING)

    def resend_failed(self, request: HttpRequest) -> HttpResponse:
        """Every failed one at once, from the front page."""
        if not can_administer(request.user):
            raise PermissionDenied
        sent = outbox.resend_failed(by=request.user)
        self.message_user(request, f"{sent} 条已重新排队发送", messages.SUCCESS if sent else messages.WARNING)
        return redirect("admin:index")

    # --- mails as files ---------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        own = [
            path("files/", self.admin_site.admin_view(self.mail_list), name="notifications_mail_files"),
            path("resend/", self.admin_site.admin_view(require_POST(self.resend_failed)), name="notifications_resend"),
            path("files/<str:name>/", self.admin_site.admin_view(self.mail_detail), name="notifications_mail_file"),
        ]
        return [*own, *super().get_urls()]

    def mail_list(self, request: HttpRequest) -> HttpResponse:
        """The last mails that were written to files."""
        rows = [(name, mail_files.read(name)) for name in mail_files.newest(FILES_SHOWN)]
        return self._page(request, "notifications/mail_file_list.html", "邮件文件", rows=rows, most=FILES_SHOWN)

    def mail_detail(self, request: HttpRequest, name: str) -> HttpResponse:
        mail = mail_files.read(name)
        if mail is None:
            raise Http404
        page = self._page(request, "notifications/mail_file_detail.html", name, mail=mail, text=text_of(mail))
        access.note(request.user, "mail_viewed", detail={"mail": name})
        return page

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        if not can_administer(request.user):
            raise PermissionDenied
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "title": title, **context})


@admin.register(MessagePreference)
class MessagePreferenceAdmin(ReadOnlyAdmin):
    """Who has chosen what; a person changes it on a page of their own."""

    list_display = ("user", "shown_channels", "quiet_from", "quiet_to", "digest_hour")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__name")

    @admin.display(description="渠道，依次")
    def shown_channels(self, preference: MessagePreference) -> str:
        return "、".join(Delivery.Channel(channel).label for channel in preference.channels)


def text_of(mail: EmailMessage) -> str:
    """The readable part of a mail."""
    part = mail.get_body(preferencelist=("plain", "html"))
    return str(part.get_content()) if part else ""
