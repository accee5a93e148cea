"""The admin's front page says which years are missing and which messages did not go."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Delivery, Message
from tests.cast import Cast, client_for
from townships.services import holidays

YEAR = timezone.localdate().year


pytestmark = pytest.mark.usefixtures("admin_rights")


def front_page(cast: Cast) -> str:
    return client_for(cast.bureau_admin).get("/admin/").content.decode()


def deliver(cast: Cast, state: str, age: timedelta = timedelta()) -> Delivery:
    number = Delivery.objects.count()
    message = Message.objects.create(key=f"k{number}", kind="event_reported", recipient=cast.duty, data={}, link="/")
    return Delivery.objects.create(
        message=message, channel="mail", address="x@example.invalid", state=state, created_at=timezone.now() - age
    )


def test_missing_years_are_named_with_the_way_to_load_them(cast: Cast) -> None:
    page = front_page(cast)
    assert f"{YEAR} 年放假安排未导入" in page
    assert f"{YEAR + 1} 年放假安排未导入" in page
    assert "/admin/townships/holiday/load/" in page


def test_loaded_year_is_not_named(cast: Cast) -> None:
    holidays.load_file(f"date,kind,name\n{YEAR}-01-01,holiday,\n".encode(), by=None, source="f")
    page = front_page(cast)
    assert f"{YEAR} 年放假安排未导入" not in page
    assert f"{YEAR + 1} 年放假安排未导入" in page


def test_failed_and_stuck_messages_are_counted(cast: Cast) -> None:
    deliver(cast, "failed")
    deliver(cast, "pending", timedelta(hours=1))
    deliver(cast, "pending")
    page = front_page(cast)
    assert "1 条消息发送失败" in page
    assert "1 条消息等待发送已超过" in page
    assert "?attention=stuck" in page


def test_nothing_to_mind_is_said_too(cast: Cast) -> None:
    rows = "".join(f"{year}-01-01,holiday,\n" for year in (YEAR, YEAR + 1))
    holidays.load_file(f"date,kind,name\n{rows}".encode(), by=None, source="f")
    assert "放假安排齐全，消息都已发出。" in front_page(cast)
