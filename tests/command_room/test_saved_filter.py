"""保存的筛选: kept, shared, opened with; never another's sight."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.http import Http404
from django.utils import timezone

from command_room.models import DefaultFilter, SavedFilter
from command_room.services import saved_filter as saved_filters
from records.models import Entry
from records.services import Refused
from tests.cast import Cast, client_for
from tests.command_room.rows import make_events

SAVE = "/filters/save/"
QUERY = "state=open&q=市场&page=3&foo=1"


def keep(user: Any, name: str = "夜查", *, request_id: UUID | None = None, **more: str) -> Any:
    data = {"code": "events", "query": QUERY, "name": name, "request_id": str(request_id or uuid4()), **more}
    return client_for(user).post(SAVE, data)


def chips(user: Any, url: str = "/events/?all=1") -> list[str]:
    return [saved.name for saved in client_for(user).get(url).wsgi_request.saved_filters]  # type: ignore[attr-defined]


def kept(user: Any, name: str = "夜查", *, is_shared: bool = False, code: str = "events") -> SavedFilter:
    what = {"code": code, "name": name, "query": "state=open", "is_shared": is_shared}
    return saved_filters.save(**what, by=user, request_id=uuid4())  # type: ignore[arg-type]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_save_keeps_what_the_list_knows(cast: Cast, now: datetime) -> None:
    make_events(cast, 2, now)
    response = keep(cast.duty)
    saved = SavedFilter.objects.get()
    assert saved.query == "q=%E5%B8%82%E5%9C%BA&state=open"
    assert response.url == f"/events/?{saved.query}"
    assert len(client_for(cast.duty).get(response.url).context["rows"]) == 2
    assert Entry.objects.about(saved).get().verb == "filter_save"
    assert (chips(cast.duty), chips(cast.leader)) == (["夜查"], [])


def test_save_for_the_unit(cast: Cast) -> None:
    keep(cast.duty, whose="unit")
    assert chips(cast.officer) == ["夜查"]
    assert chips(cast.changle_duty) == []
    keep(cast.officer, "偷偷", whose="unit")  # no desk: the field is not there, and what it says is not heard
    assert SavedFilter.objects.get(name="偷偷").owner == cast.officer


def test_save_twice_is_once(cast: Cast) -> None:
    request_id = uuid4()
    assert [keep(cast.duty, request_id=request_id).status_code for _ in range(2)] == [302, 302]
    assert SavedFilter.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "请给这组条件起个名字"),
        ({"name": "字" * 21}, "20 个字以内"),
        ({"query": "page=2"}, "没有筛选条件"),
        ({"query": "state=secret"}, "“状态”的值不对"),
        ({"query": "grid=999999"}, "“网格”的值不对"),
        ({"query": "&".join(f"a{n}=1" for n in range(40))}, "太长"),
        ({"code": "accounts"}, "页面不完整"),
        ({"request_id": "x"}, "页面不完整"),
    ],
)
def test_save_says_what_is_wrong(cast: Cast, change: dict[str, str], sentence: str) -> None:
    data = {"code": "events", "query": "state=open", "name": "夜查", "request_id": str(uuid4()), **change}
    response = client_for(cast.duty).post(SAVE, data)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not SavedFilter.objects.exists()


def test_save_needs_a_free_name_and_room(cast: Cast, settings: Any) -> None:
    settings.SAVED_FILTERS = 2
    kept(cast.duty)
    page = keep(cast.duty).content.decode()
    assert "已经有一个叫“夜查”的筛选" in page
    assert 'value="夜查"' in page
    assert keep(cast.leader).status_code == 302  # everybody has names of their own
    kept(cast.duty, "二")
    assert "已经保存了 2 个筛选" in keep(cast.duty, "三").content.decode()
    assert keep(cast.duty, "三", code="whistles", query="state=open").status_code == 302


def test_default_opens_the_list(cast: Cast) -> None:
    saved = kept(cast.duty)
    browser = client_for(cast.duty)
    browser.post(f"/filters/{saved.pk}/default/", {"on": "1"})
    assert browser.get("/events/").url == "/events/?state=open"  # type: ignore[attr-defined]
    for url in ("/events/?all=1", "/events/?q=", "/whistles/"):
        assert browser.get(url).status_code == 200
    assert browser.get("/events/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="rows").status_code == 200
    other = kept(cast.duty, "二")
    browser.post(f"/filters/{other.pk}/default/", {"on": "1"})
    assert DefaultFilter.objects.get().saved_filter == other
    browser.post(f"/filters/{other.pk}/default/")
    assert browser.get("/events/").status_code == 200


def test_default_of_a_unit_is_no_more_in_another_post(cast: Cast) -> None:
    saved = kept(cast.duty, is_shared=True)
    saved_filters.set_default(saved, by=cast.changle_duty)  # as if that post had been held before
    assert client_for(cast.changle_duty).get("/events/").status_code == 200
    assert chips(cast.changle_duty) == []


def test_filter_shows_each_reader_the_own_rows(cast: Cast, now: datetime) -> None:
    make_events(cast, 2, now)
    saved = kept(cast.duty)
    assert client_for(cast.changle_duty).get(saved.get_absolute_url()).context["rows"] == []


def test_rename_and_delete(cast: Cast) -> None:
    saved, _ = kept(cast.duty, is_shared=True), kept(cast.duty, "占了", is_shared=True)
    browser = client_for(cast.leader)
    assert browser.post(f"/filters/{saved.pk}/rename/", {"name": "占了"}).status_code == 422
    browser.post(f"/filters/{saved.pk}/rename/", {"name": "晨查"})
    browser.post(f"/filters/{saved.pk}/delete/", {"name": "夜查"})  # a page from before it was renamed
    assert SavedFilter.objects.get(pk=saved.pk).name == "晨查"
    browser.post(f"/filters/{saved.pk}/delete/", {"name": "晨查"})
    assert not SavedFilter.objects.filter(pk=saved.pk).exists()
    assert [entry.verb for entry in Entry.objects.about(saved)] == ["filter_save", "filter_rename", "filter_delete"]


def test_foreign_filter_is_not_there(cast: Cast) -> None:
    own, shared = kept(cast.duty), kept(cast.duty, is_shared=True)
    for user, saved, status in (
        (cast.leader, own, 404), (cast.changle_duty, shared, 404), (cast.officer, shared, 403), (cast.leader, shared, 422),
    ):  # fmt: skip
        assert client_for(user).post(f"/filters/{saved.pk}/rename/").status_code == status
        assert client_for(user).get(f"/filters/{saved.pk}/delete/").status_code == 405


def test_page_of_all_filters(cast: Cast) -> None:
    assert "还没有保存的筛选" in client_for(cast.duty).get("/filters/").content.decode()
    kept(cast.duty, is_shared=True)
    page = client_for(cast.officer).get("/filters/").content.decode()
    assert "夜查" in page
    assert "删除" not in page.split("<main")[1].split("panel")[1]


def test_a_name_that_a_colleague_took_a_moment_earlier_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form has found it free: only the index is in the way."""
    first, other = kept(cast.duty, is_shared=True), kept(cast.duty, "日查", is_shared=True)
    monkeypatch.setattr(saved_filters, "refusal", lambda **_: "")
    answer = keep(cast.leader, whose="unit")
    assert (answer.status_code, answer.url) == (303, first.get_absolute_url())
    with pytest.raises(Refused, match="已经有一个叫“夜查”的筛选"):
        saved_filters.rename(other, name="夜查", by=cast.leader)
    assert set(SavedFilter.objects.values_list("name", flat=True)) == {"夜查", "日查"}


def test_one_that_a_colleague_deletes_in_this_moment_is_not_there(cast: Cast) -> None:
    """Each act has found it before the colleague's; a default of nothing would be refused at the commit."""
    stale = kept(cast.leader, is_shared=True)
    saved_filters.delete(SavedFilter.objects.get(pk=stale.pk), by=cast.leader)
    acts: list[Callable[[], object]] = [
        partial(saved_filters.set_default, stale, by=cast.duty),
        partial(saved_filters.rename, stale, name="日查", by=cast.leader),
        partial(saved_filters.delete, stale, by=cast.leader),
    ]
    for act in acts:
        with pytest.raises(Http404):
            act()
    assert Entry.objects.filter(verb="filter_delete").count() == 1
