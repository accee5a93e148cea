"""What is turned away before anybody reads it, and what browsers may keep."""

import pytest
from django.test import Client

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


def test_pages_are_kept_by_the_reader_alone_and_asked_for_anew(cast: Cast) -> None:
    client = client_for(cast.duty)
    for page in ("/events/", "/board/", "/worklist/", "/whistles/", "/squad/", "/password/"):
        kept = client.get(page)["Cache-Control"]
        assert "private" in kept, page
        assert "no-cache" in kept, page
