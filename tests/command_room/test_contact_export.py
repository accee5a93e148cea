"""通讯录 as a file: the people and units of the page, their numbers only where the page shows them."""

import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records.models import Access, Job
from records.services import job as jobs
from tests.cast import Cast, PostFactory, client_for
from townships.models import Post, Unit, User

PAGES = {"person": "/contacts/", "unit": "/contacts/units/"}
PARTS = ["duty", "grid", "officer", "scjg_liaison", "zrzy_officer", "zdb_officer", "bureau_admin", "auditor"]


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def export(user: User, code: str, query: str = "") -> Any:
    sent = {"query": query, "format": "xlsx", "request_id": str(uuid4())}
    return client_for(user).post(reverse("enforcement:export", args=[code]), sent)


def taken(response: Any) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    about = {str(row[0]): str(row[1]) for row in book["说明"].iter_rows(min_row=2, values_only=True)}
    rows = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
    return [tuple(value or "" for value in row) for row in rows], about


@pytest.mark.parametrize("part", PARTS)
def test_people_leave_as_the_page_shows_them(cast: Cast, part: str) -> None:
    """Who, in which post, and whose mobile: what the page shows, for each role."""
    PostFactory(user=cast.duty, unit=cast.ganlin, role="leader", rank=Post.Rank.BACKUP)
    Unit.objects.filter(pk__in=[cast.scjg.pk, cast.ganlin.pk]).update(phone="0575-00000001")
    user = getattr(cast, part)
    shown = client_for(user).get(PAGES["person"]).context["rows"]
    expected = [
        (
            one["name"],
            "、".join(f"{label}（{rank}）" if is_second else label for label, rank, is_second in one["posts"]),
            one["mobile"],
            "、".join(one["phones"]),
        )
        for one in shown
    ]
    assert expected
    assert taken(export(user, "person"))[0] == expected


def test_mobile_of_another_office_is_nowhere_in_the_file(cast: Cast) -> None:
    content = export(cast.duty, "person")
    rows, _ = taken(content)
    mobiles = {row[0]: row[2] for row in rows}
    assert mobiles[cast.officer.name] == cast.officer.mobile
    assert mobiles[cast.scjg_liaison.name] == ""
    assert not [row for row in rows if cast.scjg_liaison.mobile in row]


@pytest.mark.parametrize(("part", "query"), [("duty", ""), ("grid", "kind=grid"), ("zdb_officer", "kind=township&order=pinyin")])  # fmt: skip
def test_units_leave_as_the_page_shows_them(cast: Cast, part: str, query: str) -> None:
    user, found, page = getattr(cast, part), [], 1
    Unit.objects.filter(pk=cast.scjg.pk).update(phone="0575-00000001")
    while rows := client_for(user).get(f"{PAGES['unit']}?{query}&page={page}").context["rows"]:
        found += [(one["name"], one["kind"], one["parent"], one["phone"], "、".join(one["speakers"])) for one in rows]
        page += 1
    rows, about = taken(export(user, "unit", query))
    assert [(row[1], *row[3:]) for row in rows] == found
    assert about["岗位"] == user.office
    assert about["本文件条数"] == str(len(found))


def test_export_is_filtered_on_record_and_text(cast: Cast) -> None:
    User.objects.filter(pk=cast.officer.pk).update(name="=1+1")
    rows, about = taken(export(cast.duty, "person", "role=officer"))
    assert [row[0] for row in rows] == ["=1+1"]
    assert about["筛选条件"] == "岗位：执法队员"
    noted = Access.objects.get()
    assert (noted.what, noted.by, noted.count) == ("exported", cast.duty, 1)
    words = {"query": "role=officer", "words": "岗位：执法队员"}
    assert noted.detail == {"list": "person", **words, "format": "xlsx"}
    assert export(cast.stranger, "person").status_code == 403
    assert export(cast.stranger, "unit").status_code == 403


def test_long_list_of_people_is_a_job_that_asks_the_sight_anew(cast: Cast, settings: Any) -> None:
    settings.EXPORT_AT_ONCE = 2
    assert export(cast.duty, "person").status_code == 302
    Post.objects.filter(user=cast.officer).update(valid_to="2026-01-01")
    jobs.run_next()
    job = Job.objects.get()
    assert job.state == "done"
    names = [row[0] for row in taken(client_for(cast.duty).get(reverse("records:job-file", args=[job.pk, 1])))[0]]
    assert cast.leader.name in names
    assert cast.officer.name not in names


def test_export_of_contacts_costs_the_same_for_many(cast: Cast) -> None:
    counts = []
    for _ in range(2):
        for _ in range(5):
            PostFactory(unit=cast.ganlin)
        with CaptureQueriesContext(connection) as queries:
            taken(export(cast.duty, "person"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_pages_offer_the_file_of_what_they_show(cast: Cast) -> None:
    for code, url in PAGES.items():
        page = client_for(cast.duty).get(url, {"q": "甘霖"} if code == "unit" else {"role": "officer"}).content.decode()
        assert f'action="/lists/{code}/export/"' in page
        assert "导出筛选出的" in page
