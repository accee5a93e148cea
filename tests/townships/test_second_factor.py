"""The authenticator: set up, asked for at the log-in and on every change to a role that needs it, lost, reset."""

import re
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from notifications.models import Message
from records.models import Access, Entry
from tests.cast import PASSWORD, Cast, PostFactory, client_for
from tests.enforcement.test_concurrency import at_once
from townships.models import RecoveryCode, Role, SecondFactor, User
from townships.services import second_factor

SETUP, CODE = "/second-factor/set-up/", "/login/code/"


@pytest.fixture(autouse=True)
def _asked(settings: Any) -> None:
    settings.OTP_REQUIRED_ROLES = [Role.ADMIN]


def code_of(device: Any, *, ahead: int = 0) -> str:
    """What the device shows; `ahead` steps of 30 seconds later."""
    clock = TOTP(device.bin_key)
    clock.time = time.time() + 30 * ahead
    return f"{clock.token():06d}"


def armed(user: User) -> tuple[SecondFactor, list[str]]:
    """A device of this person's and its recovery codes. The code of the next step is the first that is good."""
    device = second_factor.offered(user, second_factor.offer(user))
    assert device is not None
    assert second_factor.fits(device, code_of(device))
    return device, second_factor.set_up(device)


def signed_in(user: User) -> Client:
    client = Client()
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    return client


def test_role_that_needs_it_does_nothing_before_it_is_set_up(cast: Cast, admin_rights: None) -> None:
    client = signed_in(cast.bureau_admin)
    for url in ("/admin/", "/messages/", "/", "/password/"):
        assert client.get(url)["Location"].startswith(f"{SETUP}?next="), url
    assert client.get("/messages/bell/", headers={"HX-Request": "1"})["HX-Redirect"].startswith(SETUP)
    assert signed_in(cast.duty).get("/board/").status_code == 200, "the others are not asked"


def test_set_up_with_the_secret_typed_in_opens_the_portal(cast: Cast, admin_rights: None) -> None:
    client = signed_in(cast.bureau_admin)
    page = client.get(f"{SETUP}?next=/admin/")
    offer = page.context["offer"]
    assert not SecondFactor.objects.exists(), "a GET keeps nothing"
    assert "<svg" in page.content.decode()
    assert "style=" not in str(page.context["qr"])
    device = second_factor.offered(cast.bureau_admin, offer)
    assert device is not None
    wrong = client.post(SETUP, {"offer": offer, "code": "000000", "next": "/admin/"})
    assert wrong.status_code == 422
    assert wrong.context["offer"] == offer, "it has been scanned: the same again"
    done = client.post(SETUP, {"offer": offer, "code": code_of(device), "next": "/admin/"})
    codes = done.context["codes"]
    assert len(set(codes)) == 10
    assert "no-store" in done["Cache-Control"]
    assert client.get("/admin/").status_code == 200
    stored = SecondFactor.objects.get()
    shown = re.sub(r"\s", "", page.context["secret"])
    assert shown.encode() not in stored.key.encode(), "the database has a seed, not the secret"
    assert not any(code.replace("-", "") in str(list(RecoveryCode.objects.values())) for code in codes)
    assert Message.objects.filter(kind="second_factor_set_up", recipient=cast.bureau_admin).exists()


def test_offer_of_somebody_else_sets_up_nothing(cast: Cast) -> None:
    assert second_factor.offered(cast.bureau_admin, second_factor.offer(cast.duty)) is None
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        late = second_factor.offer(cast.duty)
    assert second_factor.offered(cast.duty, late[:-1]) is None


def test_log_in_asks_for_the_code_and_goes_on_where_one_wanted(cast: Cast, admin_rights: None) -> None:
    device, _ = armed(cast.bureau_admin)
    client = signed_in(cast.bureau_admin)
    assert client.get("/admin/")["Location"] == f"{CODE}?next=%2Fadmin%2F"
    assert client.get(SETUP)["Location"] == CODE, "whoever has only the password does not set up a device of theirs"
    assert client.post(CODE, {"code": "12345x"}).status_code == 422
    with time_machine.travel(time.time() + 30, tick=False):
        done = client.post(CODE, {"code": code_of(device), "next": "/admin/"})
    assert done["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    whats = set(Access.objects.filter(by=cast.bureau_admin).values_list("what", flat=True))
    assert {"logged_in", "second_factor_failed", "second_factor_passed"} <= whats


def test_code_is_good_once(cast: Cast) -> None:
    device, _ = armed(cast.bureau_admin)
    user = User.objects.get(pk=cast.bureau_admin.pk)
    assert not second_factor.verify(user, code_of(device)), "the one that set it up"
    with time_machine.travel(time.time() + 40, tick=False):
        code = code_of(device)
        assert second_factor.verify(user, code)
        assert not second_factor.verify(user, code), "a replay"


def test_wrong_codes_make_each_wait_longer(cast: Cast, settings: Any) -> None:
    device, codes = armed(cast.bureau_admin)
    user, now = cast.bureau_admin, time.time() + 60
    with time_machine.travel(now, tick=False) as clock:
        for wait in (1, 2, 4):
            assert not second_factor.verify(user, "000000")
            with pytest.raises(second_factor.Throttled):
                second_factor.verify(user, code_of(device))
            with pytest.raises(second_factor.Throttled):
                second_factor.verify(user, codes[0])
            clock.shift(wait)
        assert second_factor.verify(user, code_of(device)), "when the time is over a right one is right"


def test_recovery_code_lets_in_once(cast: Cast, admin_rights: None) -> None:
    _, codes = armed(cast.bureau_admin)
    client = signed_in(cast.bureau_admin)
    assert client.post(CODE, {"code": codes[0].upper(), "next": "/admin/"})["Location"] == "/admin/"
    assert second_factor.codes_left(cast.bureau_admin) == 9
    again = signed_in(cast.bureau_admin).post(CODE, {"code": codes[0]})
    assert again.status_code == 422
    assert "已经用过" in again.content.decode()


def test_change_to_a_role_that_needs_it_asks_for_it(cast: Cast, admin_rights: None) -> None:
    second = PostFactory(user=cast.duty, unit=cast.city, role=Role.ADMIN)
    client = signed_in(cast.duty)
    assert client.get("/board/").status_code == 200
    client.post("/switch-post/", {"post": second.pk})
    assert client.get("/admin/")["Location"].startswith(SETUP)
    first = cast.duty.active_posts().exclude(pk=second.pk).get()
    client.post("/switch-post/", {"post": first.pk})
    assert client.get("/board/").status_code == 200, "and back"


def test_password_and_new_device_ask_for_a_code_again(cast: Cast) -> None:
    device, codes = armed(cast.bureau_admin)
    client = signed_in(cast.bureau_admin)
    client.post(CODE, {"code": codes[0]})
    new = "Xinmima-2027-a"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/password/", form).status_code == 200
    assert "code" in client.post("/password/", {**form, "code": "1"}).context["form"].errors
    with time_machine.travel(time.time() + 90, tick=False):
        offer = client.get(SETUP).context["offer"]
        other = second_factor.offered(cast.bureau_admin, offer)
        assert other is not None
        fresh = {"offer": offer, "code": code_of(other)}
        assert client.post(SETUP, fresh).status_code == 422
        assert client.post("/password/", {**form, "code": code_of(device)}).status_code == 302
        assert client.post(SETUP, {**fresh, "old_code": codes[1]}).context["codes"]
    assert SecondFactor.objects.get().key == other.key, "the old one is gone"


def test_other_sessions_give_a_code_of_the_new_device(cast: Cast, admin_rights: None) -> None:
    _, codes = armed(cast.bureau_admin)
    client = signed_in(cast.bureau_admin)
    client.post(CODE, {"code": codes[0]})
    assert client.get("/admin/").status_code == 200
    armed(User.objects.get(pk=cast.bureau_admin.pk))
    assert client.get("/admin/")["Location"].startswith(CODE)


def test_lost_device_is_reset_by_another_admin_with_a_grace(cast: Cast, admin_rights: None, settings: Any) -> None:
    armed(cast.bureau_admin)
    other = PostFactory(unit=cast.city, role=Role.ADMIN).user
    _, codes = armed(other)
    admin = signed_in(other)
    admin.post(CODE, {"code": codes[0]})
    own, lost = (f"/admin/townships/user/{user.pk}/second-factor/" for user in (other, cast.bureau_admin))
    assert admin.post(own).status_code == 403, "nobody one's own"
    assert admin.get(lost).status_code == 200
    assert SecondFactor.objects.filter(user=cast.bureau_admin).exists(), "a GET resets nothing"
    assert admin.post(lost).status_code == 302
    told = set(Message.objects.filter(kind="second_factor_reset").values_list("recipient_id", flat=True))
    assert told == {cast.bureau_admin.pk, other.pk, cast.auditor.pk}
    assert Entry.objects.about(cast.bureau_admin).filter(verb="second_factor_reset", by=other).exists()
    assert Access.objects.filter(what="second_factor_reset", by=other, object_id=cast.bureau_admin.pk).exists()
    client = signed_in(cast.bureau_admin)
    assert client.get("/admin/")["Location"].startswith(SETUP)
    assert client.get(SETUP).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(hours=settings.OTP_GRACE_HOURS, minutes=1)):
        assert signed_in(cast.bureau_admin).get(SETUP).status_code == 403


def test_turning_off_takes_a_code_and_a_role_that_allows_it(cast: Cast) -> None:
    device, codes = armed(cast.duty)
    client = signed_in(cast.duty)
    client.post(CODE, {"code": codes[0]})
    client.post("/second-factor/off/", {"off-code": "000000"})
    assert SecondFactor.objects.filter(user=cast.duty).exists()
    with time_machine.travel(time.time() + 60, tick=False):
        client.post("/second-factor/off/", {"off-code": code_of(device)})
    assert not SecondFactor.objects.filter(user=cast.duty).exists()
    assert client.get("/board/").status_code == 200


def test_page_head_says_when_nobody_needs_it(cast: Cast, settings: Any, admin_rights: None) -> None:
    settings.OTP_REQUIRED_ROLES, settings.DEMO_DATA = [], True
    assert "演示" in text(client_for(cast.duty), "/squad/")
    assert "未启用二次验证" in text(client_for(cast.duty), "/squad/")
    settings.DEMO_DATA = False
    assert "未启用二次验证" not in text(client_for(cast.duty), "/squad/")
    assert "未启用二次验证" in text(client_for(cast.bureau_admin), "/admin/")
    settings.OTP_REQUIRED_ROLES = ["auditor"]
    assert "未启用二次验证" not in text(client_for(cast.bureau_admin), "/admin/")


def text(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def test_role_that_is_none_is_refused_at_the_start(settings: Any) -> None:
    settings.OTP_REQUIRED_ROLES = ["boss"]
    with pytest.raises(Exception, match=r"portal\.E002"):
        call_command("check")


def test_reset_ends_every_session_of_the_account(cast: Cast, admin_rights: None) -> None:
    client = client_for(cast.duty)
    assert client.get("/whistles/").status_code == 200
    second_factor.reset(cast.duty, by=cast.bureau_admin)
    assert client.get("/whistles/").url.startswith("/login/")  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_set_up_twice_at_once_leaves_one_device(cast: Cast) -> None:
    token = second_factor.offer(cast.duty)
    sent = [second_factor.offered(User.objects.get(pk=cast.duty.pk), token) for _ in range(3)]
    assert at_once(*(partial(second_factor.set_up, device) for device in sent if device)) == ["done"] * 3
    assert SecondFactor.objects.filter(user=cast.duty).count() == 1
    assert second_factor.codes_left(cast.duty) == second_factor.CODES
