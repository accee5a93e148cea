from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from notifications import kinds
from notifications.models import Message
from notifications.services import outbox
from notifications.views import PAGE
from tests.cast import Cast, client_for
from tests.enforcement import walk
from townships.models import User

INBOX = reverse("notifications:inbox")
BELL = reverse("notifications:bell")
READ_ALL = reverse("notifications:read-all")
PREVIEW = reverse("notifications:preview")


def tell(user: User, count: int = 1, key: str = "k") -> list[Message]:
    """Messages to one person, oldest first; the matter is their number."""
    with transaction.atomic():
        outbox.notify_many(
            (
                kinds.DispatchSent(f"派-{n:03}", "日常哨", "甘霖镇", "2026-11-24T16:30:00+08:00", "/messages/?unread"),
                [user],
                f"{key}{n}",
            )
            for n in range(count)
        )
    return list(Message.objects.filter(recipient=user, key__startswith=key).order_by("pk"))


def read_at(message: Message) -> datetime | None:
    message.refresh_from_db()
    return message.read_at


@pytest.fixture
def duty(cast: Cast) -> Client:
    return client_for(cast.duty)


# --- the page ---------------------------------------------------------------------------------------------------------
def test_the_inbox_shows_my_messages_newest_first(cast: Cast, duty: Client) -> None:
    tell(cast.duty, 2)
    tell(cast.changle_duty, 1, "other")
    page = duty.get(INBOX)
    assert [message.data["number"] for message, _ in page.context["lines"]] == ["派-001", "派-000"]
    text = page.content.decode()
    assert text.count("派单等您签收") == 2
    assert "16:30" in text


def test_the_inbox_marks_and_filters_the_unread(cast: Cast, duty: Client) -> None:
    old, new = tell(cast.duty, 2)
    Message.objects.filter(pk=old.pk).update(read_at=timezone.now())
    assert duty.get(INBOX).content.decode().count('<span class="tag blue">未读</span>') == 1
    assert [message for message, _ in duty.get(INBOX, {"unread": ""}).context["lines"]] == [new]


def test_the_inbox_pages_by_key(cast: Cast, duty: Client) -> None:
    made = tell(cast.duty, PAGE + 1)
    first = duty.get(INBOX)
    assert len(first.context["lines"]) == PAGE
    following = duty.get(INBOX, {"before": first.context["next_before"]})
    assert [message for message, _ in following.context["lines"]] == [made[0]]
    assert following.context["next_before"] is None


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "²", "0"])
def test_the_inbox_shrugs_off_a_strange_page(cast: Cast, duty: Client, before: str) -> None:
    assert duty.get(INBOX, {"before": before}).status_code == 200


@pytest.mark.usefixtures("calendar_2026")
def test_the_inbox_names_the_matter_to_who_may_see_it(cast: Cast) -> None:
    whistle = walk.approved(cast)
    for person, word in (
        (cast.leader, "哨单等您审核"),
        (cast.duty, "新事件等您受理"),
        (cast.scjg_liaison, "派单等您签收"),
    ):
        assert f"{word}：{whistle.title}</button>" in client_for(person).get(INBOX).content.decode()
    Message.objects.update(recipient=cast.changle_duty)
    assert whistle.title not in client_for(cast.changle_duty).get(INBOX).content.decode()


def test_the_inbox_asks_as_much_for_many_as_for_few(cast: Cast, duty: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            duty.get(INBOX)
        return len(asked)

    tell(cast.duty, 3)
    few = queries()
    tell(cast.duty, 40, "more")
    assert queries() == few


def test_the_inbox_is_empty_in_words(cast: Cast, duty: Client) -> None:
    assert "还没有消息" in duty.get(INBOX).content.decode()
    assert "没有未读的消息" in duty.get(INBOX, {"unread": ""}).content.decode()


def test_a_kind_of_an_older_version_is_still_shown(cast: Cast, duty: Client) -> None:
    (message,) = tell(cast.duty)
    Message.objects.filter(pk=message.pk).update(kind="long_gone")
    assert duty.get(INBOX).status_code == 200


# --- open -------------------------------------------------------------------------------------------------------------
def test_open_marks_as_read_and_goes_where_it_points(cast: Cast, duty: Client) -> None:
    (message,) = tell(cast.duty)
    answer = duty.post(reverse("notifications:open", args=[message.pk]))
    assert (answer.status_code, answer.headers["Location"]) == (302, message.link)
    assert read_at(message) is not None


def test_open_again_keeps_the_first_time(cast: Cast, duty: Client) -> None:
    (message,) = tell(cast.duty)
    at = timezone.now() - timedelta(hours=1)
    Message.objects.update(read_at=at)
    duty.post(reverse("notifications:open", args=[message.pk]))
    assert read_at(message) == at


def test_open_somebody_elses_message_is_not_found(cast: Cast, duty: Client) -> None:
    (message,) = tell(cast.leader)
    assert duty.post(reverse("notifications:open", args=[message.pk])).status_code == 404
    assert read_at(message) is None


@pytest.mark.parametrize("name", ["open", "read-all"])
def test_a_get_changes_nothing(cast: Cast, duty: Client, name: str) -> None:
    (message,) = tell(cast.duty)
    args = [message.pk] if name == "open" else []
    assert duty.get(reverse(f"notifications:{name}", args=args)).status_code == 405
    assert read_at(message) is None


@pytest.mark.parametrize("url", [INBOX, BELL, PREVIEW])
def test_a_page_refuses_a_post(duty: Client, url: str) -> None:
    assert duty.post(url).status_code == 405


@pytest.mark.parametrize("url", [INBOX, BELL, READ_ALL, PREVIEW])
def test_whoever_is_not_signed_in_is_sent_to_the_door(db: None, client: Client, url: str) -> None:
    answer = client.post(url) if url == READ_ALL else client.get(url)
    assert answer.status_code == 302
    assert reverse("townships:login") in answer.headers["Location"]


# --- all read ---------------------------------------------------------------------------------------------------------
def test_read_all_marks_what_was_on_the_page_and_only_mine(cast: Cast, duty: Client) -> None:
    seen, newest, later = tell(cast.duty, 3)
    (others,) = tell(cast.leader, 1, "other")
    answer = duty.post(READ_ALL, {"newest": newest.pk})
    assert answer.headers["Location"] == INBOX
    assert [read_at(message) is not None for message in (seen, newest, later, others)] == [True, True, False, False]


def test_read_all_without_a_number_marks_nothing(cast: Cast, duty: Client) -> None:
    (message,) = tell(cast.duty)
    assert duty.post(READ_ALL, {"newest": "x"}).status_code == 302
    assert read_at(message) is None


# --- bell -------------------------------------------------------------------------------------------------------------
def test_the_bell_counts_the_unread(cast: Cast, duty: Client) -> None:
    tell(cast.duty, 3)
    tell(cast.leader, 1, "other")
    answer = duty.get(BELL)
    assert "3<span" in answer.content.decode()
    assert "private" in answer.headers["Cache-Control"]


def test_the_bell_answers_304_until_something_changes(cast: Cast, duty: Client) -> None:
    (message,) = tell(cast.duty)
    etag = duty.get(BELL).headers["ETag"]
    same = duty.get(BELL, headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag)
    tell(cast.duty, 1, "another")
    assert duty.get(BELL, headers={"If-None-Match": etag}).status_code == 200
    Message.objects.exclude(pk=message.pk).update(read_at=timezone.now())
    assert duty.get(BELL, headers={"If-None-Match": etag}).status_code == 304


def test_the_bell_of_another_person_is_another(cast: Cast, duty: Client) -> None:
    etag = duty.get(BELL).headers["ETag"]
    assert client_for(cast.leader).get(BELL, headers={"If-None-Match": etag}).status_code == 200


def test_the_bell_counts_no_further_than_99(cast: Cast, duty: Client) -> None:
    tell(cast.duty, 120)
    assert "99+<span" in duty.get(BELL).content.decode()


def test_the_bell_asks_one_query_of_its_own(
    cast: Cast, duty: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):  # session, user, posts; and the unread
        duty.get(BELL)


# --- preview ----------------------------------------------------------------------------------------------------------
def test_the_preview_shows_every_kind_to_the_bureau_admin(cast: Cast) -> None:
    text = client_for(cast.bureau_admin).get(PREVIEW).content.decode()
    for kind in kinds.KINDS.values():
        assert kind.title in text
        assert f"<small>{kind.code()}</small>" in text
    assert text.count("打开办理：") == len(kinds.KINDS)


@pytest.mark.parametrize("who", ["duty", "auditor", "grid", "stranger"])
def test_the_preview_is_for_nobody_else(cast: Cast, who: str) -> None:
    assert client_for(getattr(cast, who)).get(PREVIEW).status_code == 403
