"""The page of all components, the pages around the log-in, and the pages that say what went wrong."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import Cast, client_for

pytestmark = pytest.mark.django_db


def test_components_shows_every_tone(cast: Cast) -> None:
    html = client_for(cast.bureau_admin).get(reverse("command_room:components")).content.decode()
    for tone in ("late", "soon", "ok", "idle"):
        assert f'class="due {tone}"' in html
    assert "暂定" in html
    assert "现在没有等您办的事" in html
    assert 'href="#id_wrong-facts"' in html


def test_login_page_says_what_to_do_without_a_password(client: Client) -> None:
    html = client.get(reverse("townships:login")).content.decode()
    assert "忘记密码" in html
    assert "<nav" not in html


def test_unknown_page_says_where_to_go(cast: Cast) -> None:
    response = client_for(cast.duty).get("/no-such-page/")
    assert response.status_code == 404
    assert "找不到这一页" in response.content.decode()


def test_refused_page_says_who_may(cast: Cast) -> None:
    response = client_for(cast.duty).get(reverse("command_room:components"))
    assert response.status_code == 403
    assert "这一步不由您来办" in response.content.decode()


def test_stale_form_says_that_nothing_was_sent(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.duty, backend="django.contrib.auth.backends.ModelBackend")
    response = strict.post(reverse("townships:logout"))
    assert response.status_code == 403
    assert "刚才的内容没有提交" in response.content.decode()
