"""What people have said about the portal, and nobody has answered yet."""

from datetime import datetime

from django.urls import reverse

from command_room.models import Feedback
from command_room.services.care_card import Card, Line, counted
from command_room.templatetags.look import spoken


def unanswered(now: datetime) -> Card:
    """Those that have waited longest first."""
    number, few = counted(Feedback.objects.unanswered(), "id")
    lines = [
        Line(f"{row.short_kind} {row.number}", f"已等 {spoken(now - row.sent_at)}", row.get_absolute_url())
        for row in few
    ]
    link = f"{reverse('command_room:feedback-list')}?open=1"
    return Card("等答复的意见", number, "条", lines, link, "去答复", "大家的意见都答复了")
