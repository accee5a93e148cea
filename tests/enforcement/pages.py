"""Pages as one person reads them, and buttons as one person presses them."""

from typing import Any

from django.urls import reverse

from tests.cast import client_for


def post(user: Any, name: str, pk: int, **data: Any) -> Any:
    return client_for(user).post(reverse(f"enforcement:{name}", args=[pk]), data)


def html(response: Any) -> str:
    return " ".join(response.content.decode().split())


def page(user: Any, obj: Any) -> str:
    return html(client_for(user).get(obj.get_absolute_url()))
