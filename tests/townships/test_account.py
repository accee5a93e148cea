"""Signing in, being kept from guessing, changing a password when it is due, and acting in another post."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from records.models import Entry
from tests.cast import PASSWORD, Cast, PostFactory, UserFactory, client_for
from townships.models import OldPassword, Role, User
from townships.passwords import HistoryValidator, ThreeClassesValidator
from townships.services import account

LOGIN = "/login/"
NEW = "Xinmima-2027-a"


def sign_in(client: Client, username: str, password: str = PASSWORD, **kwargs: Any) -> Any:
    return client.post(LOGIN, {"username": username, "password": password}, **kwargs)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- signing in -------------------------------------------------------------------------------------------------------
def test_login_page_is_open_and_a_right_password_leads_on(cast: Cast, client: Client) -> None:
    assert client.get(LOGIN).status_code == 200
    response = sign_in(client, "duty")
    assert response.status_code == 302
    assert is_signed_in(client)


def test_login_with_a_wrong_password_says_so_in_plain_words(client: Client, cast: Cast) -> None:
    page = sign_in(client, cast.duty.username, "wrong").content.decode()
    assert "用户名或密码不对" in page


def test_login_goes_on_only_within_the_portal(cast: Cast, client: Client) -> None:
    inside = client.post(f"{LOGIN}?next=/squad/", {"username": "duty", "password": PASSWORD})
    assert inside["Location"] == "/squad/"
    other = Client()
    outside = other.post(f"{LOGIN}?next=https://example.invalid/", {"username": "duty", "password": PASSWORD})
    assert "example" not in outside["Location"]


@pytest.mark.parametrize("username", ["duty", "nobody-here"])
def test_wrong_password_and_unknown_name_get_the_same_answer(cast: Cast, client: Client, username: str) -> None:
    response = sign_in(client, username, "wrong")
    assert response.status_code == 200
    assert not is_signed_in(client)
    assert response.context["form"].non_field_errors()


def test_inactive_account_does_not_get_in(cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.duty.pk).update(is_active=False)
    sign_in(client, "duty")
    assert not is_signed_in(client)


# --- being kept from guessing -------------------------------------------------------------------------------------------
def test_fifth_failure_locks_the_account_at_this_address_only(cast: Cast, client: Client) -> None:
    statuses = [sign_in(client, "duty", "wrong").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 429]
    assert sign_in(client, "duty").status_code == 429, "the right password does not help now"
    assert sign_in(Client(), "leader").status_code == 302, "a colleague behind the same address gets in"
    assert sign_in(Client(), "duty", REMOTE_ADDR="10.1.2.3").status_code == 302, "and the person from elsewhere"


def test_lock_ends_after_ten_minutes(cast: Cast, client: Client) -> None:
    for _ in range(5):
        sign_in(client, "duty", "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=11))
    assert sign_in(client, "duty").status_code == 302


def test_success_forgets_the_failures_before(cast: Cast, client: Client) -> None:
    for _ in range(4):
        sign_in(client, "duty", "wrong")
    assert sign_in(client, "duty").status_code == 302
    assert sign_in(Client(), "duty", "wrong").status_code == 200


def test_one_address_may_not_try_account_after_account(cast: Cast, client: Client, settings) -> None:
    settings.LOGIN_FAILURES_PER_ADDRESS = 6
    for number in range(6):
        assert sign_in(client, f"guess-{number}", "wrong").status_code == 200
    response = sign_in(client, "duty")
    assert response.status_code == 429
    assert not is_signed_in(client)
    assert sign_in(Client(), "duty", REMOTE_ADDR="10.1.2.3").status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=11))
    assert sign_in(client, "duty").status_code == 302


def test_ceiling_is_one_query_on_the_index_of_the_address(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert account.is_address_blocked("10.1.2.3") is False
    assert len(queries) == 1
    assert '"ip_address" =' in queries[0]["sql"]


def test_password_is_not_kept_with_the_failed_attempt(cast: Cast, client: Client) -> None:
    sign_in(client, "duty", "my-secret-guess")
    assert "my-secret-guess" not in str(AccessAttempt.objects.values().get())


# --- signing out ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("username", ["x" * 5000, "㙍" * 151, "a\0b"])
def test_login_with_a_name_that_nobody_has_is_an_answer(cast: Cast, client: Client, username: str) -> None:
    """The failed attempt is written down; a name that does not fit there was a fault."""
    assert client.post("/login/", {"username": username, "password": "x"}).status_code == 200


def test_logout_leaves_nothing_in_the_browser(cast: Cast) -> None:
    assert client_for(cast.duty).post("/logout/")["Clear-Site-Data"] == '"cache"'


def test_logout_is_a_post(cast: Cast) -> None:
    client = client_for(cast.duty)
    assert client.get("/logout/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/logout/").status_code == 302
    assert not is_signed_in(client)


# --- when a password is due -------------------------------------------------------------------------------------------
def change(client: Client, new: str = NEW, old: str = PASSWORD) -> Any:
    return client.post("/password/", {"old_password": old, "new_password1": new, "new_password2": new})


def test_password_page_says_the_rules_in_one_breath_and_which_one_is_the_old(cast: Cast) -> None:
    cast.duty.must_change_password = True
    cast.duty.save()
    page = client_for(cast.duty).get(reverse("townships:password-change")).content.decode()
    assert "刚才登录用的那个" in page
    assert "大写字母、小写字母、数字、符号中有三类" in page
    assert "你的密码" not in page


def test_first_login_leads_to_the_password_page_and_nowhere_else(cast: Cast) -> None:
    User.objects.filter(pk=cast.duty.pk).update(must_change_password=True)
    client = client_for(cast.duty)
    for url in ["/squad/", "/shifts/", "/admin/", "/"]:
        assert client.get(url)["Location"] == "/password/", url
    assert client.post("/switch-post/")["Location"] == "/password/"
    assert client.get("/password/").status_code == 200
    assert change(client).status_code == 302
    assert client.get("/squad/").status_code == 200


def test_fragment_sends_the_whole_page_to_the_password_page(cast: Cast) -> None:
    User.objects.filter(pk=cast.duty.pk).update(must_change_password=True)
    response = client_for(cast.duty).get("/squad/who-can-come/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == "/password/"


@pytest.mark.parametrize(("age", "is_due"), [(89, False), (91, True)])
def test_password_is_changed_every_ninety_days(cast: Cast, age: int, is_due: bool) -> None:
    User.objects.filter(pk=cast.duty.pk).update(password_changed_at=timezone.now() - timedelta(days=age))
    assert (client_for(cast.duty).get("/squad/").status_code == 302) is is_due


def test_change_ends_the_other_sessions_and_not_this_one(cast: Cast) -> None:
    here, elsewhere = client_for(cast.duty), client_for(cast.duty)
    change(here)
    assert here.get("/squad/").status_code == 200
    assert elsewhere.get("/squad/").status_code == 302
    entry = Entry.objects.about(cast.duty).get()
    assert (entry.verb, entry.by_office) == ("password_change", "甘霖镇·指挥室值班员")


def test_wrong_old_password_changes_nothing(cast: Cast) -> None:
    response = change(client_for(cast.duty), old="wrong")
    assert response.status_code == 200
    cast.duty.refresh_from_db()
    assert cast.duty.check_password(PASSWORD)


# --- what a password must be --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("password", ["Abcdefg1", "abcdef1-", "ABCDEF1-", "Abcdefg-", "密码密码Abc"])
def test_three_classes_are_enough(password: str) -> None:
    ThreeClassesValidator().validate(password)


@pytest.mark.parametrize("password", ["abcdefgh", "Abcdefgh", "abcdefg1", "1234567-", ""])
def test_two_classes_are_not(password: str) -> None:
    with pytest.raises(ValidationError, match="三类"):
        ThreeClassesValidator().validate(password)


def test_last_five_passwords_are_not_used_again(cast: Cast) -> None:
    used = [PASSWORD, *(f"Mima-{number}-abcd" for number in range(5))]
    for password in used[1:]:
        account.change_password(cast.duty, password, by=cast.duty)
    for password in used[1:]:
        with pytest.raises(ValidationError, match="最近 5 次"):
            HistoryValidator().validate(password, cast.duty)
    HistoryValidator().validate(PASSWORD, cast.duty)
    assert OldPassword.objects.filter(user=cast.duty).count() == 4, "with the current one, five"


def test_history_has_nothing_to_say_of_a_new_account() -> None:
    HistoryValidator().validate(PASSWORD, None)
    HistoryValidator().validate(PASSWORD, User(username="new"))


def test_page_refuses_an_old_password_and_says_why(cast: Cast) -> None:
    response = change(client_for(cast.duty), new=PASSWORD)
    assert response.status_code == 200
    assert "最近 5 次" in str(response.context["form"].errors)


# --- one-time passwords -----------------------------------------------------------------------------------------------
def test_one_time_password_lets_in_once_to_change_it(cast: Cast, client: Client) -> None:
    for _ in range(5):
        sign_in(client, "duty", "wrong")
    old_session = client_for(cast.duty)
    raw = account.issue_one_time_password(cast.duty, by=cast.bureau_admin)
    assert old_session.get("/squad/").status_code == 302, "the old sessions have ended"
    assert sign_in(client, "duty", raw).status_code == 302, "the lock-out is lifted"
    assert client.get("/squad/")["Location"] == "/password/"
    assert change(client, old=raw).status_code == 302
    cast.duty.refresh_from_db()
    assert (cast.duty.must_change_password, cast.duty.password_expires_at) == (False, None)


def test_one_time_password_ends_after_a_day(cast: Cast, client: Client) -> None:
    raw = account.issue_one_time_password(cast.duty, by=cast.bureau_admin)
    User.objects.filter(pk=cast.duty.pk).update(password_expires_at=timezone.now() - timedelta(seconds=1))
    response = sign_in(client, "duty", raw)
    assert response.status_code == 200
    assert "一次性密码已过期" in str(response.context["form"].errors)
    assert not is_signed_in(client)


def test_one_time_passwords_are_strong_and_kept_nowhere(cast: Cast) -> None:
    raws = {account.issue_one_time_password(cast.duty, by=cast.bureau_admin) for _ in range(20)}
    assert len(raws) == 20
    for raw in raws:
        ThreeClassesValidator().validate(raw)
        assert len(raw) == 14
    assert not any(raw in str(list(Entry.objects.about(cast.duty).values())) for raw in raws)


@pytest.mark.parametrize(
    "act",
    [
        lambda user: account.change_password(user, NEW, by=user),
        lambda user: account.issue_one_time_password(user, by=user),
    ],
)
def test_new_password_does_not_bring_back_an_account_that_ends_meanwhile(
    cast: Cast, act: Callable[[User], object]
) -> None:
    """A hash takes long enough for an administrator to end the account between its reading and its writing."""
    as_read = User.objects.get(pk=cast.duty.pk)
    today = timezone.localdate()
    User.objects.filter(pk=cast.duty.pk).update(is_active=False, disabled_from=today, session_generation=7)
    act(as_read)
    now = User.objects.get(pk=cast.duty.pk)
    assert (now.is_active, now.disabled_from, now.session_generation) == (False, today, 7)
    assert now.password == as_read.password


# --- acting in another post -------------------------------------------------------------------------------------------
def test_switch_changes_the_post_acted_in(cast: Cast) -> None:
    second = PostFactory(user=cast.duty, unit=cast.ganlin, role=Role.LEADER)
    client = client_for(cast.duty)
    response = client.post("/switch-post/", {"post": second.pk, "next": "/squad/"})
    assert response["Location"] == "/squad/"
    assert client.get("/squad/").wsgi_request.user.acting == second


def test_switch_refuses_somebody_elses_post(cast: Cast) -> None:
    client = client_for(cast.duty)
    for wanted in [cast.leader.acting.pk, 0, "x", ""]:
        assert client.post("/switch-post/", {"post": wanted}).status_code == 404
    assert client.get("/squad/").wsgi_request.user.acting.role == Role.DUTY


def test_switch_refuses_a_post_that_has_ended(cast: Cast) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    ended = PostFactory(user=cast.duty, unit=cast.ganlin, role=Role.LEADER, valid_to=yesterday)
    assert client_for(cast.duty).post("/switch-post/", {"post": ended.pk}).status_code == 404


@pytest.mark.parametrize("wanted", ["//example.invalid/", "squad", "a:b", "𠮷", "a\0b", "0"])
def test_switch_does_not_lead_out_of_the_portal(cast: Cast, wanted: str) -> None:
    client = client_for(cast.duty)
    response = client.post("/switch-post/", {"post": cast.duty.acting.pk, "next": wanted})
    assert response["Location"] == reverse("command_room:home")


def test_form_goes_on_in_the_post_in_which_its_page_was_opened(cast: Cast) -> None:
    """Another tab has changed the post meanwhile; the page says in which one it was done."""
    first, second = cast.duty.acting, PostFactory(user=cast.duty, unit=cast.changle, role=Role.DUTY)
    client = client_for(cast.duty)
    assert f'data-post="{first.pk}"' in client.get("/feedback/").content.decode()
    client.post("/switch-post/", {"post": second.pk, "opened_as": first.pk})
    assert client.get("/feedback/").wsgi_request.user.acting == second
    refused = client.post("/feedback/", {"opened_as": first.pk})
    assert refused.wsgi_request.user.acting == first
    assert "“甘霖镇·指挥室值班员”岗位打开" in refused.content.decode()
    assert client.get("/feedback/").wsgi_request.user.acting == first


def test_form_of_a_post_that_is_over_is_refused_with_a_sentence(cast: Cast) -> None:
    client = client_for(cast.duty)
    for opened in (cast.leader.acting.pk, "x"):
        refused = client.post("/feedback/", {"opened_as": opened})
        assert refused.status_code == 403
        assert "岗位已经结束，没有提交" in refused.content.decode()


def test_switch_is_a_post_and_for_who_is_signed_in(cast: Cast, client: Client) -> None:
    assert client_for(cast.duty).get("/switch-post/").status_code == 405
    assert client.post("/switch-post/")["Location"].startswith(LOGIN)


def test_first_administrator_is_made_by_the_usual_command(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--no-input", username="first-admin", name="演示管理员", stdout=StringIO())
    user = User.objects.get(username="first-admin")
    assert user.acting.role == Role.ADMIN
    assert user.is_staff
    assert not user.is_superuser
    assert not UserFactory().is_staff
