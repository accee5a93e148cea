"""消息渠道. The room of messages lies below this one, and with it what every table of the admin has in common."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from notifications.models import ChannelRule, Delivery
from notifications.services import route
from townships.admin.base import RecordedAdmin
from townships.forms.channel import ChannelRuleForm


@admin.register(ChannelRule)
class ChannelRuleAdmin(RecordedAdmin):
    """Adding is changing; addresses and secrets of the channels stay in the environment."""

    form = ChannelRuleForm
    is_dated = True
    change_list_template = "admin/notifications/channelrule/change_list.html"
    list_display = ["valid_from", "in_order", "quiet", "burst_after", "reason"]
    fields = ["valid_from", "first", "second", "third", "quiet_from", "quiet_to", "burst_after", "reason"]
    shown = ["valid_from", "in_order", "quiet", "burst_after", "reason"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return self.shown if obj else self.fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Above the rows, what holds now, which the settings say as long as there is none."""
        house = route.house_now()
        quiet = f"{house.quiet.start:%H:%M} 到 {house.quiet.end:%H:%M}" if house.quiet else ""
        now = {"channels": spoken(list(house.channels)), "quiet": quiet}
        return super().changelist_view(request, {**(extra_context or {}), "house": now})

    @admin.display(description="渠道，依次")
    def in_order(self, row: ChannelRule) -> str:
        return spoken(row.channels) or "只在平台内"

    @admin.display(description="免打扰")
    def quiet(self, row: ChannelRule) -> str:
        return f"{row.quiet_from:%H:%M} 到 {row.quiet_to:%H:%M}" if row.quiet_from and row.quiet_to else "无"


def spoken(channels: list[str]) -> str:
    return "、".join(Delivery.Channel(channel).label for channel in channels)
