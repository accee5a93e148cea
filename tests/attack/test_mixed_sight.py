"""Who sees a part: another department's dispatch, what somebody held once, one's own other post. The rest is not there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enforcement.models import Dispatch, Report
from enforcement.services import dispatch as dispatches
from enforcement.services import handover as handovers
from enforcement.services import returns
from records.models import Attachment
from tests.attack.conftest import OF_THE_MACHINE
from tests.attack.crawl import KEYED, PLAIN, Watch, asked
from tests.attack.world import PHONE, STEM, World, leaks
from tests.cast import PostFactory, UserFactory, client_for
from tests.enforcement.walk import part
from townships.models import Post, Role, User

# with every word that is planted anywhere, each on the page that tells it
PAGES = ("called", "emergency", "lead", "helper", "submitted", "reported", "reported_whistle", "rated", "arbitrated",
         "extension", "appeal", "suspension", "offered", "action", "note", "red")  # fmt: skip


def files_of(world: World) -> list[Dispatch]:
    return [world["lead"], world["reported"], world["rated"], world["arbitrated"].dispatch]


LISTS = ["/worklist/", "/events/", "/whistles/", "/dispatches/", "/escalations/", "/messages/", "/contacts/"]


def everything(client: Client, world: World, *, is_whole: bool) -> Iterator[tuple[str, str]]:
    """The files' own pages, every attachment, the lists, what is found; `is_whole`: each page that takes no key."""
    plain = [one.url() for one in PLAIN if not one.is_admin and one.name not in OF_THE_MACHINE] if is_whole else LISTS
    rows = [world[name].get_absolute_url() for name in PAGES]
    events = [one.event.get_absolute_url() for one in files_of(world)]
    files = [reverse("records:attachment", args=[row.pk]) for row in world.rows[Attachment]]
    for url in (*plain, *rows, *events, *files, f"/search/?q={STEM}", f"/search/?q={PHONE}"):
        yield url, asked(client, "GET", url).text


CALLERS = ("罍簋来电人", f"{PHONE}0001")
JUDGED = ("罍簋评语",)
INSIDE = (
    "罍簋交班",
    "罍簋请假",
    "罍簋意见",
    "罍簋自己",
    "罍簋共用",
    "罍簋导出",
    "罍簋行",
    "罍簋大屏",
    f"{PHONE}0010",
    f"{PHONE}0099",
)
# what one department wrote, or was written to, is not the other's
LEADS = ("罍簋部门留言", "罍簋首报", "罍簋措施", "罍簋退哨", "罍簋延期", "罍簋返工", "罍簋申诉")
HELPERS = ("罍簋镇街留言",)
NOT_FOR = {
    "scjg_liaison": (*CALLERS, *JUDGED, *INSIDE, *HELPERS),
    "zrzy_liaison": (*CALLERS, *JUDGED, *INSIDE, *LEADS),
    "zrzy_officer": (*CALLERS, *JUDGED, *INSIDE, *LEADS, "罍簋任务", "罍簋行动"),
    "grid": (*CALLERS, *JUDGED, "罍簋部门留言", "罍簋镇街留言", "罍簋交班", "罍簋不批准", f"{PHONE}0099"),
    "officer": (*CALLERS, *JUDGED, "罍簋自己", "罍簋导出", "罍簋意见"),
}
WHOLE = ("zrzy_liaison",)


@pytest.mark.parametrize("role", NOT_FOR)
def test_who_sees_a_part_sees_no_more(world: World, role: str) -> None:
    wrong, seen = [], ""
    for url, text in everything(client_for(getattr(world.cast, role)), world, is_whole=role in WHOLE):
        told = [
            word for word in NOT_FOR[role] if word in text and not (word in CALLERS and "q=" in url and word in url)
        ]
        seen += "".join(leaks(text))
        if told:
            wrong.append(f"{role} {url}: {told}")
    assert not wrong, "\n".join(wrong)
    assert "罍簋标题" in seen, "what is theirs they do see"


def test_secret_of_a_part_is_told_to_who_may(world: World) -> None:
    """Each of these words stands on some page: else none of the tests above could fail."""
    cast = world.cast
    pages: list[tuple[User, str, Any]] = [
        (cast.scjg_liaison, "罍簋部门留言", world["lead"]),
        (cast.scjg_liaison, "罍簋措施", world["reported"]),
        (cast.zrzy_liaison, "罍簋镇街留言", world["helper"]),
        (cast.zdb_officer, "罍簋评语", world["rated"]),
        (cast.scjg_liaison, "罍簋退哨", world["arbitrated"]),
        (cast.duty, "罍簋交班", world["note"]),
    ]
    for user, word, row in pages:
        assert word in asked(client_for(user), "GET", row.get_absolute_url()).text, word
    caller = asked(client_for(cast.duty), "POST", reverse("enforcement:event-caller", args=[world["called"].pk]))
    assert all(word in caller.text for word in CALLERS)


def test_helper_cannot_open_the_leads_part(world: World) -> None:
    """Its page, its verbs, its print, and the files that were reported on it."""
    client = client_for(world.cast.zrzy_liaison)
    leads = [row for row in world.rows[Dispatch] if row.department == world.cast.scjg]
    reports = [row.pk for row in world.rows[Report]]
    files = [row for row in world.rows[Attachment] if row.target_type.model == "report" and row.target_id in reports]
    assert leads
    assert files
    wrong, watch = [], Watch()
    for one in KEYED:
        rows = leads[:3] if one.head == "dispatches/" else files[:3] if one.head == "files/" else []
        for row, how in ((row, how) for row in rows for how in ("GET", "POST")):
            with watch.undone():
                answer = asked(client, how, one.url(row.pk))
                if answer.status not in (404, 405) or watch.changed():
                    wrong.append(f"{how} {one.url(row.pk)}: {answer.status}")
    assert not wrong, "\n".join(wrong)


# --- held once ------------------------------------------------------------------------------------------------------------
def test_department_that_was_let_go_hears_nothing_of_its_heir(world: World) -> None:
    """After a return the matter is another's: what that one writes is not the first one's."""
    cast, dispatch = world.cast, world["arbitrated"].dispatch
    said = {"seen_state": "arbitration", "decision": "由综合执法局主办"}
    returns.reassign(dispatch, by=cast.zdb_officer, to_unit=cast.zfj, **said)
    heir = part(dispatch.whistle, cast.zfj)
    dispatches.remark(heir, by=cast.zfj_liaison, request_id=uuid4(), text="罍簋后任留言")
    former = client_for(cast.scjg_liaison)
    assert asked(former, "GET", heir.get_absolute_url()).status == 404
    for row in (dispatch, dispatch.whistle, dispatch.event):
        assert "罍簋后任留言" not in asked(former, "GET", row.get_absolute_url()).text
    assert "罍簋后任留言" in asked(client_for(cast.zfj_liaison), "GET", heir.get_absolute_url()).text


def test_officer_who_was_replaced_does_not_see_it_any_more(world: World) -> None:
    cast, dispatch = world.cast, world["signed"]
    client = client_for(cast.scjg_officer)
    named = {"assigned_unit": None, "by": cast.scjg_liaison}
    dispatches.assign(dispatch, assigned_officer=cast.scjg_officer, **named)
    for row in (dispatch, dispatch.whistle, dispatch.event):
        assert asked(client, "GET", row.get_absolute_url()).status == 200
    dispatches.assign(dispatch, assigned_officer=cast.scjg_leader, **named)
    for row in (dispatch, dispatch.whistle, dispatch.event):
        assert asked(client, "GET", row.get_absolute_url()).status == 404


def test_township_that_gave_an_event_away_does_not_see_how_it_goes_on(world: World) -> None:
    cast, handover = world.cast, world["offered"]
    handovers.accept(handover, by=world["neighbour"], seen_state="asked")
    giver, taker = client_for(cast.duty), client_for(world["neighbour"])
    assert asked(giver, "GET", handover.event.get_absolute_url()).status == 404
    assert asked(taker, "GET", handover.event.get_absolute_url()).status == 200
    assert "罍簋情况" not in asked(giver, "GET", handover.get_absolute_url()).text
    for url in ("/events/", "/worklist/"):
        assert handover.event.get_absolute_url() not in asked(giver, "GET", url).text


def test_township_that_is_offered_an_event_does_not_see_its_caller(world: World) -> None:
    taker, event = client_for(world["neighbour"]), world["offered"].event
    assert asked(taker, "POST", reverse("enforcement:event-caller", args=[event.pk])).status == 403
    assert asked(taker, "GET", world["called"].get_absolute_url()).status == 404


# --- posts ----------------------------------------------------------------------------------------------------------------
def posts(world: World, kind: str) -> User:
    """Somebody of 长乐镇 with a further post at 甘霖镇's desk, which holds, or does not."""
    today, day = timezone.localdate(), timedelta(days=1)
    user = UserFactory()
    dates = {"over": (today - 9 * day, today - day), "coming": (today + day, None), "holds": (today - 9 * day, None)}
    since, until = dates[kind]
    PostFactory(user=user, unit=world.cast.changle, role=Role.DUTY)
    more = {"rank": Post.Rank.DEPUTY, "deputy_for": world.cast.duty} if kind == "over" else {}
    PostFactory(user=user, unit=world.cast.ganlin, role=Role.DUTY, valid_from=since, valid_to=until, **more)
    return user


def rows_open(client: Client, world: World) -> list[int]:
    named = ("new", "called", "emergency", "lead", "red", "note", "offered")
    return [asked(client, "GET", world[name].get_absolute_url()).status for name in named]


def test_post_that_does_not_hold_opens_nothing(world: World) -> None:
    """A deputy after the dates, one before them, a secondment that is over: also where the session still names the post."""
    for kind in ("over", "coming"):
        user = posts(world, kind)
        client = client_for(user)
        session = client.session
        session["post"] = Post.objects.get(user=user, unit=world.cast.ganlin).pk
        session.save()
        assert set(rows_open(client, world)) == {404}, kind
        assert asked(client, "POST", "/switch-post/", {"post": session["post"]}).status == 404


def test_who_acts_for_one_township_is_a_stranger_to_the_other(world: World) -> None:
    """Two posts: pages, verbs and files follow the one that is acted in, whatever a form says besides."""
    user = posts(world, "holds")
    mine = {post.unit_id: post.pk for post in Post.objects.filter(user=user)}
    client, watch = client_for(user), Watch()
    asked(client, "POST", "/switch-post/", {"post": mine[world.cast.changle.pk]})
    assert set(rows_open(client, world)) == {404}
    sent = {"seen_state": "reported", "post": mine[world.cast.ganlin.pk], "unit": world.cast.ganlin.pk}
    with watch.undone():
        assert asked(client, "POST", reverse("enforcement:event-verify", args=[world["new"].pk]), sent).status == 404
        assert watch.changed() == []
    asked(client, "POST", "/switch-post/", {"post": mine[world.cast.ganlin.pk]})
    assert set(rows_open(client, world)) == {200}


def test_secondment_that_ends_while_the_page_is_open_ends_the_sight(world: World) -> None:
    """The officer of a department, seconded to the squad of 甘霖镇: from the day after, nothing, on the same session."""
    user = UserFactory()
    PostFactory(user=user, unit=world.cast.zfj, role=Role.OFFICER)
    lent = PostFactory(user=user, unit=world.cast.ganlin, role=Role.OFFICER)
    client = client_for(user)
    asked(client, "POST", "/switch-post/", {"post": lent.pk})
    assert set(rows_open(client, world)) >= {200}
    lent.valid_to = timezone.localdate() - timedelta(days=1)
    Post.objects.filter(pk=lent.pk).update(valid_to=lent.valid_to)
    assert set(rows_open(client, world)) == {404}
    assert leaks(asked(client, "GET", "/worklist/").text) == []


def test_result_of_a_job_is_lost_with_the_post(world: World) -> None:
    """What one post saw: the file of the own job, after the post has ended."""
    client, job = client_for(world.cast.duty), world["job_file"]
    url = reverse("records:job-file", args=[job.pk, 1])
    assert "罍簋导出行" in asked(client, "GET", url).text
    Post.objects.filter(user=world.cast.duty).update(valid_to=timezone.localdate() - timedelta(days=1))
    assert asked(client, "GET", url).status == 404
