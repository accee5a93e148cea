from pathlib import Path

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from notifications.admin import DeliveryAdmin
from notifications.models import Delivery, MessagePreference
from notifications.services import outbox
from tests.cast import Cast, client_for
from tests.notifications.conftest import MakeDeliveries

LIST = reverse("admin:notifications_delivery_changelist")
FILES = reverse("admin:notifications_mail_files")


@pytest.fixture
def admin(cast: Cast, admin_rights: None) -> Client:
    return client_for(cast.bureau_admin)


@pytest.fixture
def mail_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = settings.MAIL_FILES
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


def test_the_list_shows_state_kind_and_number(admin: Client, deliveries: MakeDeliveries) -> None:
    deliveries(2)
    text = admin.get(LIST).content.decode()
    assert "派单等您签收" in text
    assert "待发送" in text
    assert FILES in text


@pytest.mark.parametrize(("attention", "found"), [("failed", 1), ("stuck", 0), ("passed_on", 0), ("any", 1), ("x", 4)])
def test_the_list_filters_what_needs_attention(
    admin: Client, deliveries: MakeDeliveries, attention: str, found: int
) -> None:
    deliveries(3)
    deliveries(1, key="bad", state="failed")
    page = admin.get(LIST, {"attention": attention})
    assert page.context["cl"].result_count == found


def test_nothing_can_be_added_changed_or_deleted(admin: Client, deliveries: MakeDeliveries) -> None:
    (delivery,) = deliveries()
    assert admin.get(reverse("admin:notifications_delivery_add")).status_code == 403
    assert admin.get(reverse("admin:notifications_delivery_delete", args=[delivery.pk])).status_code == 403
    assert admin.post(reverse("admin:notifications_delivery_change", args=[delivery.pk]), {}).status_code == 403
    page = admin.get(reverse("admin:notifications_delivery_change", args=[delivery.pk]))
    assert b'name="_save"' not in page.content


def test_send_again_queues_the_failed_ones(admin: Client, deliveries: MakeDeliveries) -> None:
    (failed,) = deliveries(key="bad", state="failed", attempts=6)
    (sent,) = deliveries(key="good", state="sent", sent_at="2026-11-24T00:00:00Z")
    answer = admin.post(LIST, {"action": "send_again", "_selected_action": [failed.pk, sent.pk]}, follow=True)
    assert "1 条已重新排队发送" in answer.content.decode()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending", "sent"}


def test_the_front_page_sends_all_that_failed_again(admin: Client, deliveries: MakeDeliveries) -> None:
    deliveries(2, key="bad", state="failed", attempts=6)
    deliveries(1, key="good", state="sent", sent_at="2026-11-24T00:00:00Z")
    resend = reverse("admin:notifications_resend")
    assert f'action="{resend}"' in admin.get(reverse("admin:index")).content.decode()
    assert admin.get(resend).status_code == 405
    answer = admin.post(resend, follow=True)
    assert "2 条已重新排队发送" in answer.content.decode()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["pending", "pending", "sent"]
    assert LogEntry.objects.filter(change_message="重新发送").count() == 2
    assert "0 条已重新排队发送" in admin.post(resend, follow=True).content.decode()


@pytest.mark.parametrize("who", ["duty", "auditor", "stranger"])
def test_nobody_else_sends_again(cast: Cast, admin_rights: None, deliveries: MakeDeliveries, who: str) -> None:
    deliveries(state="failed")
    answer = client_for(getattr(cast, who)).post(reverse("admin:notifications_resend"))
    assert answer.status_code in (302, 403)
    assert Delivery.objects.get().state == "failed"


def test_what_was_chosen_can_be_looked_at_and_not_changed(cast: Cast, admin: Client) -> None:
    MessagePreference.objects.create(user=cast.duty, channels=["sms", "mail"])
    assert "短信、邮件" in admin.get(reverse("admin:notifications_messagepreference_changelist")).content.decode()
    change = reverse("admin:notifications_messagepreference_change", args=[cast.duty.pk])
    assert b'name="_save"' not in admin.get(change).content
    assert admin.post(change, {"channels": "mail"}).status_code == 403


def test_mail_files_are_listed_and_shown(admin: Client, mail_folder: Path, deliveries: MakeDeliveries) -> None:
    (delivery,) = deliveries()
    outbox.deliver([delivery.pk])
    page = admin.get(FILES).content.decode()
    (file,) = mail_folder.iterdir()
    shown = reverse("admin:notifications_mail_file", args=[file.name])
    assert shown in page
    assert delivery.address in page
    assert "等您单位签收" in admin.get(shown).content.decode()


@pytest.mark.parametrize("name", ["..eml", "gone.eml", "secret-key"])
def test_a_mail_file_that_is_none_is_not_found(admin: Client, mail_folder: Path, name: str) -> None:
    assert admin.get(f"{FILES}{name}/").status_code == 404


@pytest.mark.parametrize("who", ["duty", "auditor", "stranger"])
def test_nobody_else_reads_the_mail_files(cast: Cast, admin_rights: None, mail_folder: Path, who: str) -> None:
    assert client_for(getattr(cast, who)).get(FILES).status_code in (302, 403)


def test_the_page_itself_asks_who_reads_not_only_the_door(cast: Cast, mail_folder: Path, rf: RequestFactory) -> None:
    request = rf.get(FILES)
    request.user = cast.auditor
    with pytest.raises(PermissionDenied):
        DeliveryAdmin(Delivery, site).mail_list(request)
