"""Posts: what stays as it was, whose sessions end, and who hears of a new administrator."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Delivery, Message
from records.models import Entry
from tests.cast import PASSWORD, Cast, PostFactory, UserFactory, client_for
from tests.townships.test_admin import confirm, page, preview, told
from townships.models import Post, Role, User
from townships.services import account

pytestmark = pytest.mark.usefixtures("admin_rights")
HEAD = "人员,单位,岗位,主备,代理谁,起,止\n"


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_for(cast.bureau_admin)


def today() -> Any:
    return timezone.localdate()


def post_data(user: User, unit: Any, role: str, **more: Any) -> dict[str, Any]:
    return {"user": user.pk, "unit": unit.pk, "role": role, "rank": "1_main", "valid_from": str(today()), **more}


def is_in(client: Client) -> bool:
    return client.get("/password/").status_code == 200


# --- sessions -----------------------------------------------------------------------------------------------------------
def test_sessions_end_when_a_post_is_added_or_ended(cast: Cast, client: Client) -> None:
    desk, phone, other = client_for(cast.duty), client_for(cast.duty), client_for(cast.leader)
    assert client.post(page(Post, "add"), post_data(cast.duty, cast.ganlin, "officer")).status_code == 302
    assert [is_in(one) for one in (desk, phone, other, client)] == [False, False, True, True]
    desk.force_login(User.objects.get(pk=cast.duty.pk))
    post = Post.objects.get(user=cast.duty, role=Role.OFFICER)
    client.post(page(Post, str(post.pk), "change"), {"rank": "2_backup", "valid_to": str(today())})
    post.refresh_from_db()
    assert (post.rank, post.valid_to) == ("2_backup", today())
    assert not is_in(desk)


def test_sessions_end_by_import_password_and_switching_off(cast: Cast, client: Client) -> None:
    first = client_for(cast.duty)
    response = preview(client, Post, f"{HEAD}duty,330683100,执法队员,主,,2026-11-01,\n")
    assert is_in(first), "a preview ends nothing"
    confirm(client, Post, response)
    assert not is_in(first)
    second = client_for(User.objects.get(pk=cast.duty.pk))
    account.issue_one_time_password(User.objects.get(pk=cast.duty.pk), by=cast.bureau_admin)
    assert not is_in(second)
    third = client_for(cast.leader)
    client.post(page(User, str(cast.leader.pk), "change"), {"username": "leader", "name": "演示"})
    User.objects.filter(pk=cast.leader.pk).update(is_active=True)
    assert not is_in(third), "not even when the account is on again"


def test_session_costs_no_query_more(cast: Cast, django_assert_num_queries: Any) -> None:
    plain = client_for(cast.duty)
    with django_assert_num_queries(4):
        assert is_in(plain)
    after = User.objects.get(pk=cast.duty.pk)
    after.session_generation = 3
    browser = client_for(after)
    after.save()
    with django_assert_num_queries(4):
        assert is_in(browser)


def test_account_ends_with_its_day_before_any_job_has_run(cast: Cast) -> None:
    browser = client_for(cast.duty)
    User.objects.filter(pk=cast.duty.pk).update(disabled_from=today() + timedelta(days=1))
    assert is_in(browser)
    User.objects.filter(pk=cast.duty.pk).update(disabled_from=today())
    assert not is_in(browser)
    response = Client().post("/login/", {"username": "duty", "password": PASSWORD})
    assert response.status_code == 200
    assert account.retire() == 1
    assert account.retire() == 0
    assert not User.objects.get(pk=cast.duty.pk).is_active
    assert Entry.objects.about(cast.duty).get().by is None


# --- what was, stays ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"role": "leader"}, "role"),
        ({"unit": "changle"}, "unit_id"),
        ({"valid_from": "2024-01-01"}, "valid_from"),
        ({"valid_to": "2026-01-01"}, "valid_to"),
    ],
)
def test_post_that_has_begun_is_only_ended(cast: Cast, client: Client, fields: dict[str, str], kept: str) -> None:
    post = cast.duty.acting
    before = getattr(post, kept)
    forged = {name: getattr(cast, value).pk if name == "unit" else value for name, value in fields.items()}
    client.post(page(Post, str(post.pk), "change"), {"rank": "1_main", **forged})
    post.refresh_from_db()
    assert getattr(post, kept) == before


def test_import_cannot_rewrite_the_past_either(cast: Cast, client: Client) -> None:
    ended = PostFactory(user=cast.stranger, unit=cast.ganlin, role=Role.DUTY, valid_to=today() - timedelta(days=9))
    rows = (
        f"{HEAD}stranger,330683100,指挥室值班员,主,,2025-01-01,\n"  # takes the end back
        "duty,330683100,指挥室值班员,主,,2025-01-01,2025-06-30\n"  # ends it a year ago
        "leader,330683100,镇街领导,主,,2025-01-01,\n"  # unchanged
    )
    found = told(preview(client, Post, rows))
    assert [(line, "已经结束" in text, "最早是昨天" in text) for line, _, text in found] == [
        (2, True, False),
        (3, False, True),
    ]
    ended.refresh_from_db()
    assert ended.valid_to


# --- a new administrator ------------------------------------------------------------------------------------------------
def told_of_administrators() -> set[str]:
    rows = Message.objects.filter(kind="administrator_added")
    return set(rows.values_list("recipient__username", flat=True))


def test_new_administrator_is_told_to_all_who_watch(cast: Cast, client: Client) -> None:
    client.post(page(Post, "add"), post_data(cast.stranger, cast.city, "admin"))
    assert told_of_administrators() == {"bureau-admin", "auditor", "stranger"}
    message = Message.objects.filter(kind="administrator_added").first()
    assert message.link == reverse("townships:administrators")
    text = client_for(cast.auditor).get(message.link).content.decode()
    assert cast.stranger.username in text
    assert cast.bureau_admin.name in text, "and who has made it"


def test_new_administrator_by_import_or_command_is_told_too(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = preview(client, Post, f"{HEAD}stranger,city,系统管理员,主,,{today()},\n")
    assert not told_of_administrators(), "a preview tells nobody"
    confirm(client, Post, response)
    assert "auditor" in told_of_administrators()
    Delivery.objects.all().delete()
    Message.objects.all().delete()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--no-input", username="root-2", name="演示管理员", stdout=StringIO())
    assert told_of_administrators() == {"bureau-admin", "auditor", "stranger", "root-2"}


def test_other_posts_are_not_told(cast: Cast, client: Client) -> None:
    client.post(page(Post, "add"), post_data(cast.stranger, cast.ganlin, "duty"))
    assert not told_of_administrators()


# --- history ------------------------------------------------------------------------------------------------------------
def test_history_shows_old_and_new_without_personal_values(cast: Cast, client: Client) -> None:
    data = {
        "username": "duty", "name": "演示改名", "mobile": "13900009999", "is_active": "on", "home_unit": cast.ganlin.pk,
    }  # fmt: skip
    client.post(page(User, str(cast.duty.pk), "change"), data)
    entry = Entry.objects.about(cast.duty).get()
    changed = {change["field"]: change for change in entry.data["changes"]}
    assert changed["编制单位"] == {"field": "编制单位", "old": "", "new": "甘霖镇"}
    assert changed["手机"] == {"field": "手机", "private": True}
    assert "13900009999" not in str(entry.data)
    assert "演示改名" not in str(entry.data)
    text = client.get(page(User, str(cast.duty.pk), "history")).content.decode()
    assert "甘霖镇" in text
    assert cast.bureau_admin.name in text
    assert "13900009999" not in text


def test_history_names_people_whose_id_it_keeps(cast: Cast, client: Client) -> None:
    client.post(page(Post, "add"), post_data(cast.stranger, cast.ganlin, "duty"))
    post = Post.objects.get(user=cast.stranger)
    entry = Entry.objects.about(post).get()
    assert {"field": "人员", "old_user": None, "new_user": cast.stranger.pk} in entry.data["changes"]
    assert cast.stranger.name in client.get(page(Post, str(post.pk), "history")).content.decode()


def test_history_is_not_for_others(cast: Cast) -> None:
    url = page(User, str(cast.duty.pk), "history")
    assert client_for(cast.duty).get(url, follow=True).status_code == 403
    assert UserFactory().pk
