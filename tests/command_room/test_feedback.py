"""意见反馈: said once, read by the sender, the administrators and the auditors, answered once, and the sender is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from command_room.forms.feedback import safe_path
from command_room.models import Feedback
from command_room.services import feedback
from notifications.models import Message
from records.models import Entry
from records.services import UsedForm, WrongState
from tests.cast import Cast, client_for

WRITE, MINE, ALL = (reverse(f"command_room:{name}") for name in ("feedback", "feedback-mine", "feedback-list"))


def said(by: Any, **over: Any) -> Feedback:
    words: dict[str, Any] = {"kind": "idea", "text": "常用的放前面", "may_call": False, "from_path": "/board/"}
    return feedback.send(by=by, **{"request_id": uuid4(), **words, **over})


def posted(**over: Any) -> dict[str, Any]:
    return {"kind": "broken", "text": "按了没有反应", "from_path": "/board/", "request_id": str(uuid4()), **over}


def detail(row: Feedback) -> str:
    return reverse("command_room:feedback-detail", args=[row.pk])


def answer_url(row: Feedback) -> str:
    return reverse("command_room:feedback-answer", args=[row.pk])


# --- said ---------------------------------------------------------------------------------------------------------------
def test_send_keeps_who_and_where_with_a_number(cast: Cast) -> None:
    response = client_for(cast.duty).post(WRITE, posted(may_call="on"), follow=True)
    row = Feedback.objects.get()
    assert (row.sent_by, row.sent_office, row.sent_role) == (cast.duty, "甘霖镇·指挥室值班员", "duty")
    assert (row.kind, row.from_path, row.may_call, row.state) == ("broken", "/board/", True, "sent")
    assert row.number.startswith("意330683100-")
    assert row.number in response.content.decode()
    entry = Entry.objects.about(row).get()
    assert (entry.verb, entry.what) == ("feedback_sent", "提出意见反馈：出错了")


def test_send_without_a_post(cast: Cast) -> None:
    assert client_for(cast.stranger).post(WRITE, posted()).status_code == 302
    assert Feedback.objects.get().number.startswith("意000-")


def test_send_twice_is_once(cast: Cast) -> None:
    form, client = posted(), client_for(cast.duty)
    assert client.post(WRITE, form)["Location"] == client.post(WRITE, form)["Location"]
    assert Feedback.objects.count() == 1
    assert Entry.objects.about(Feedback.objects.get()).count() == 1


def test_send_with_a_used_form_loses_nothing_silently(cast: Cast) -> None:
    row = said(cast.duty)
    with pytest.raises(UsedForm):
        said(cast.duty, request_id=row.request_id, text="另一件事")
    with pytest.raises(UsedForm):
        said(cast.leader, request_id=row.request_id)


@pytest.mark.parametrize(
    ("over", "told"),
    [({"text": " "}, "请写几句"), ({"kind": "x"}, "请选一种意见"), ({"request_id": "x"}, "页面不完整")],
)
def test_send_says_what_is_missing_and_keeps_what_was_typed(cast: Cast, over: dict[str, str], told: str) -> None:
    response = client_for(cast.duty).post(WRITE, posted(**over))
    html = response.content.decode()
    assert response.status_code == 422
    assert told in html
    assert 'value="/board/"' in html
    assert not Feedback.objects.exists()


def test_send_stops_at_the_limit_of_a_day(cast: Cast, settings: Any) -> None:
    settings.FEEDBACK_PER_DAY = 2
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        said(cast.duty)
    said(cast.duty)
    last = said(cast.duty)
    response = client_for(cast.duty).post(WRITE, posted(text="第三条"))
    assert response.status_code == 422
    assert "一天最多提 2 条" in response.content.decode()
    assert "第三条" in response.content.decode()
    assert said(cast.duty, request_id=last.request_id) == last  # the last one sent again is not one too many
    said(cast.leader)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        said(cast.duty)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("/board/", "/board/"),
        ("/events/?q=13800001234", "/events/"),
        ("/events/7/#caller", "/events/7/"),
        ("https://elsewhere.invalid/board/", ""),
        ("//elsewhere.invalid/board/", ""),
        ("/\\elsewhere.invalid/", ""),
        ("javascript:alert(1)", ""),
        ("/nothing/like/this/", ""),
        ("/" + "a" * 300, ""),
        ("//[", ""),
        ("/wall/abcdefghijklmnop/", ""),
        ("", ""),
    ],
)
def test_only_a_path_of_the_portal_is_kept(wanted: str, kept: str) -> None:
    assert safe_path(wanted) == kept


def test_every_page_leads_there_from_its_foot(cast: Cast) -> None:
    html = client_for(cast.duty).get(reverse("enforcement:event-list"), {"q": "13800001234"}).content.decode()
    assert f'href="{WRITE}?from=/events/"' in html
    html = client_for(cast.duty).get(WRITE, {"from": "/events/?q=13800001234"}).content.decode()
    assert 'value="/events/"' in html
    assert "13800001234" not in html


def test_the_admin_leads_there_too_and_counts_what_waits(cast: Cast, admin_rights: None, calendar_2026: None) -> None:
    said(cast.duty)
    html = client_for(cast.bureau_admin).get("/admin/").content.decode()
    assert f'href="{WRITE}?from=/admin/"' in html
    assert "等答复的意见" in html
    assert Feedback.objects.get().number in html


# --- read ---------------------------------------------------------------------------------------------------------------
def test_a_sender_sees_the_own_and_nobody_elses(cast: Cast) -> None:
    mine, other = said(cast.duty, text="我的话"), said(cast.leader, text="别人的话")
    client = client_for(cast.duty)
    html = client.get(MINE).content.decode()
    assert ("我的话" in html, "别人的话" in html) == (True, False)
    assert client.get(detail(mine)).status_code == 200
    assert client.get(detail(other)).status_code == 404
    assert client.get(ALL).status_code == 403


def test_the_telephone_is_shown_only_where_it_may_be_called(cast: Cast) -> None:
    client, quiet, open_one = client_for(cast.bureau_admin), said(cast.duty), said(cast.duty, may_call=True)
    assert cast.duty.mobile not in client.get(detail(quiet)).content.decode()
    assert cast.duty.mobile in client.get(detail(open_one)).content.decode()


def test_the_list_narrows_to_what_waits_and_to_a_kind(cast: Cast) -> None:
    said(cast.duty, text="第一句", kind="idea")
    done = said(cast.leader, text="第二句", kind="burden")
    feedback.answer(done, by=cast.bureau_admin, seen_state="sent", text="已改")
    client = client_for(cast.auditor)
    for query, first, second in (({}, True, True), ({"open": "1"}, True, False), ({"kind": "burden"}, False, True)):
        html = client.get(ALL, query).content.decode()
        assert ("第一句" in html, "第二句" in html) == (first, second), query


def test_the_list_asks_the_same_for_many(cast: Cast, django_assert_num_queries: Any) -> None:
    client, asked = client_for(cast.bureau_admin), []
    for many in (3, 20):
        Feedback.objects.bulk_create(
            Feedback(
                number=f"意{many}-{i}", kind="idea", text="x", sent_by=cast.duty, sent_office="x", request_id=uuid4()
            )
            for i in range(many)
        )
        with CaptureQueriesContext(connection) as queries:
            client.get(ALL)
        asked.append(len(queries))
    assert asked[0] == asked[1]


# --- answered -----------------------------------------------------------------------------------------------------------
def test_answer_tells_the_sender(cast: Cast) -> None:
    row = said(cast.duty)
    assert feedback.unanswered() == 1
    response = client_for(cast.bureau_admin).post(answer_url(row), {"text": "下个月改好", "seen_state": "sent"})
    assert (response.status_code, response["Location"]) == (302, detail(row))
    row.refresh_from_db()
    assert (row.answer, row.answered_by, feedback.unanswered()) == ("下个月改好", cast.bureau_admin, 0)
    message = Message.objects.get(kind="feedback_answered")
    assert (message.recipient, message.link, message.data["number"]) == (cast.duty, detail(row), row.number)
    assert "下个月改好" not in str(message.data)
    assert "下个月改好" in client_for(cast.duty).get(detail(row)).content.decode()
    assert list(Entry.objects.about(row).values_list("verb", flat=True)) == ["feedback_sent", "feedback_answered"]


def test_answer_is_given_once(cast: Cast) -> None:
    row = said(cast.duty)
    feedback.answer(row, by=cast.bureau_admin, seen_state="sent", text="好")
    with pytest.raises(WrongState):
        feedback.answer(Feedback.objects.get(), by=cast.bureau_admin, seen_state="sent", text="不好")
    response = client_for(cast.bureau_admin).post(answer_url(row), {"text": "不好", "seen_state": "sent"}, follow=True)
    assert "没有重复办理" in response.content.decode()
    assert Feedback.objects.get().answer == "好"
    assert Message.objects.count() == 1


def test_answer_without_words_says_so(cast: Cast) -> None:
    response = client_for(cast.bureau_admin).post(answer_url(said(cast.duty)), {"text": "", "seen_state": "sent"})
    assert (response.status_code, "请写答复" in response.content.decode()) == (422, True)


def test_an_answer_is_whole_in_the_database_too(cast: Cast) -> None:
    row = said(cast.duty)
    with pytest.raises(IntegrityError, match="feedback_answer_whole"):
        Feedback.objects.filter(pk=row.pk).update(answer="好")


def test_who_may_answer(cast: Cast) -> None:
    row = said(cast.duty)
    form = {"text": "好", "seen_state": "sent"}
    codes = {
        who: client_for(getattr(cast, who)).post(answer_url(row), form).status_code
        for who in ("duty", "leader", "auditor")
    }
    assert codes == {"duty": 403, "leader": 404, "auditor": 403}
    assert client_for(cast.bureau_admin).get(answer_url(row)).status_code == 405
    assert isinstance(row.request_id, UUID)
