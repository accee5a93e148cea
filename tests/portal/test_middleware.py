"""What is turned away before anybody reads it, and what browsers may keep."""

import pytest
import structlog
from axes.helpers import get_client_ip_address
from axes.models import AccessAttempt
from django.test import Client, RequestFactory
from structlog.testing import capture_logs

from tests.cast import Cast, client_for


def test_request_larger_than_any_form_is_not_read(cast: Cast, settings) -> None:
    settings.LARGEST_REQUEST = 2_000_000
    client = client_for(cast.grid)
    assert client.post("/events/report/", {"facts": "字" * 500_000, "photos": ""}).status_code == 400
    assert client.post("/events/report/", {"facts": "字" * 1000}).status_code == 422


def test_stranger_sends_no_more_than_a_login_takes(client: Client, db: None) -> None:
    response = client.generic("POST", "/login/", b"x" * 1_100_000, content_type="multipart/form-data; boundary=x")
    assert response.status_code == 400


@pytest.mark.parametrize("length", ["-1", "many"])
def test_length_that_is_none_is_refused(cast: Cast, length: str) -> None:
    assert client_for(cast.grid).get("/events/", CONTENT_LENGTH=length).status_code == 400


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "idna", "rot13", "gbk", "nonsense", "", "utf8"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_encoding_that_is_not_ours_is_refused(cast: Cast, kind: str, charset: str) -> None:
    body = b"--x\r\nContent-Disposition: form-data; name=facts\r\n\r\n+2AA-\r\n--x--\r\n"
    sent = client_for(cast.grid).generic("POST", "/events/report/", body, content_type=f"{kind}; charset={charset}")
    assert sent.status_code == 400


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
def test_our_own_encoding_may_be_named(cast: Cast, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    sent = client_for(cast.grid).generic("POST", "/events/report/", "facts=乱倒".encode(), content_type=kind)
    assert sent.status_code == 422
    assert "乱倒" in sent.content.decode()


def test_pages_are_kept_by_the_reader_alone_and_asked_for_anew(cast: Cast) -> None:
    client = client_for(cast.duty)
    for page in ("/events/", "/board/", "/worklist/", "/whistles/", "/squad/", "/password/"):
        kept = client.get(page)["Cache-Control"]
        assert "private" in kept, page
        assert "no-cache" in kept, page


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "127.0.0.1"),
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "10.0.0.5", "10.0.0.5"),
        (1, "6.6.6.6, 10.0.0.5", "10.0.0.5"),
        (2, "6.6.6.6, 10.0.0.5, 192.168.0.2", "10.0.0.5"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, None, "127.0.0.1"),
        (2, "10.0.0.5", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
    ],
)
def test_address_is_what_our_own_proxy_saw(settings, proxies: int, forwarded: str | None, address: str) -> None:
    settings.PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert get_client_ip_address(RequestFactory().get("/", headers=headers)) == address


def test_failures_behind_a_proxy_are_those_of_their_own_address(cast: Cast, client: Client, settings) -> None:
    """Without an address all would count together: a hundred slips in the town, and nobody could sign in."""
    settings.PROXY_COUNT, settings.LOGIN_FAILURES_PER_ADDRESS = 1, 2
    wrong = {"username": "x", "password": "y"}
    for _ in range(3):
        last = client.post("/login/", wrong, headers={"X-Forwarded-For": "10.0.0.5"})
    assert last.status_code == 429
    assert client.post("/login/", wrong, headers={"X-Forwarded-For": "10.0.0.6"}).status_code == 200
    assert not AccessAttempt.objects.filter(ip_address=None).exists()


def test_log_believes_no_address_that_anybody_may_write(cast: Cast) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client_for(cast.duty).get("/events/", headers={"X-Forwarded-For": "6.6.6.6"})
    assert {line["ip"] for line in lines} == {"127.0.0.1"}
