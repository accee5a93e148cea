"""The pages and verbs of events, as each of the cast meets them."""

import os
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from enforcement.models import Caller, Event
from enforcement.rules.deadlines import Step
from enforcement.services import event as events
from enforcement.services import whistle
from enforcement.services.event import Origin, Place
from records.models import Attachment, Entry
from records.services.attachment import files_of
from tests.cast import UnitFactory, client_for
from tests.enforcement.events import file, make_category, make_event, photo, photo_bytes

REPORT = reverse("enforcement:event-report")
LIST = reverse("enforcement:event-list")
SEARCH = reverse("enforcement:category-search")


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


@pytest.fixture
def event(cast):
    return make_event(cast)


def url(verb: str, event: Event) -> str:
    return reverse(f"enforcement:event-{verb}", args=[event.pk])


def text_of(response) -> str:
    return response.content.decode()


def report_form(**changed) -> dict:
    given = {
        "request_id": str(uuid4()), "category_text": "占道卸货", "place": "东湖路 18 号", "facts": "货车占道",
        "is_urgent": "no",
    }  # fmt: skip
    return {**given, **changed}


# --- the report form ------------------------------------------------------------------------------------------------
def test_report_page_of_a_grid_member_has_the_own_grid_chosen(cast):
    page = text_of(client_for(cast.grid).get(REPORT))
    assert f'<option value="{cast.ganlin_grid.pk}" selected>' in page
    assert "长乐" not in page
    assert 'name="source"' not in page


def test_report_page_asks_the_command_room_for_the_source(cast):
    page = text_of(client_for(cast.duty).get(REPORT))
    assert 'name="caller_phone"' in page


def test_report_page_offers_what_is_usual(cast, event):
    assert "占道卸货" in text_of(client_for(cast.grid).get(REPORT))
    assert "占道卸货" in text_of(client_for(cast.duty).get(REPORT))
    assert "占道卸货" not in text_of(client_for(cast.changle_duty).get(REPORT))


@pytest.mark.parametrize("who", ["scjg_liaison", "zrzy_officer", "zdb_officer", "bureau_admin", "auditor", "stranger"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_report_is_not_for_others(cast, who, method):
    assert getattr(client_for(getattr(cast, who)), method)(REPORT, report_form()).status_code == 403


def test_report_by_a_grid_member(cast):
    make_category()
    data = report_form(
        grid=cast.ganlin_grid.pk, longitude="120.7712", latitude="29.5931", photos=[photo(), photo("2.jpg")]
    )
    response = client_for(cast.grid).post(REPORT, data)
    event = Event.objects.get()
    assert response["Location"] == event.get_absolute_url()
    assert (event.source, event.grid, event.title) == ("grid", cast.ganlin_grid, "东湖路 18 号占道卸货")
    assert (event.longitude, event.latitude) == (Decimal("120.7712"), Decimal("29.5931"))
    assert Attachment.objects.count() == 2
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["已上报"]


def test_report_goes_to_the_page_that_says_what_happens_next(cast):
    make_category()
    page = text_of(client_for(cast.grid).post(REPORT, report_form(), follow=True))
    assert "已上报" in page
    assert "接下来：受理" in page


def test_report_at_the_desk_is_a_registration_that_nobody_has_to_explain(cast):
    make_category()
    client = client_for(cast.duty)
    assert "登记后接着受理" in text_of(client.get(REPORT))
    page = text_of(client.post(REPORT, report_form(source="call"), follow=True))
    assert "已登记" in page
    assert "接下来：" not in page


def test_report_by_an_officer_is_a_patrol(cast):
    make_category()
    client_for(cast.officer).post(REPORT, report_form())
    assert Event.objects.get().source == "patrol"


def test_report_for_a_caller_keeps_who_called_out_of_the_page(cast):
    make_category()
    data = report_form(source="call", caller_name="来电人甲", caller_phone="0575-00000000", outside_number="W-1")
    page = text_of(client_for(cast.duty).post(REPORT, data, follow=True))
    assert Caller.objects.get().phone == "0575-00000000"
    assert Event.objects.get().outside_number == "W-1"
    assert "来电人甲" not in page
    assert "查看来电人" in page


@pytest.mark.parametrize("phone", ["13800000000", "0575-83000000", "83000000转2", "+86 138 0000 0000", ""])
def test_report_takes_a_phone_that_can_be_called(cast, phone):
    make_category()
    data = report_form(source="call", caller_name="来电人甲", caller_phone=phone)
    assert client_for(cast.duty).post(REPORT, data).status_code == 302


@pytest.mark.parametrize("phone", ["123", "没说", "138"])
def test_report_with_a_phone_nobody_can_call_says_how_to_write_it(cast, phone):
    make_category()
    data = report_form(source="call", caller_name="来电人甲", caller_phone=phone)
    response = client_for(cast.duty).post(REPORT, data)
    assert response.status_code == 422
    assert "电话不全" in text_of(response)
    assert not Event.objects.exists()


def test_report_cannot_smuggle_a_source(cast):
    make_category()
    client_for(cast.grid).post(REPORT, report_form(source="12345", caller_name="某人"))
    assert Event.objects.get().source == "grid"
    assert not Caller.objects.exists()


def test_report_settled_on_the_spot(cast):
    make_category()
    page = text_of(client_for(cast.grid).post(REPORT, report_form(settled="当场劝离"), follow=True))
    assert Event.objects.get().state == "settled"
    assert "已上报并办结" in page


def test_report_sent_twice_is_one_event(cast):
    make_category()
    data = report_form()
    first, second = (client_for(cast.grid).post(REPORT, data) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "changed"), [("grid", {"facts": "另一件事"}), ("grid", {"place": "西街"}), ("duty", {"source": "call"})]
)
def test_report_on_a_form_that_was_used_is_not_lost(cast, who, changed):
    """Back to the form, another matter typed over the first, or a colleague at the same desk: silence would lose it."""
    make_category()
    first = report_form()
    client_for(cast.grid).post(REPORT, first)
    client = client_for(getattr(cast, who))
    response = client.post(REPORT, {**first, **changed, "photos": [photo()]})
    assert response.status_code == 422
    assert "这张表已经用过一次" in text_of(response)
    fresh = str(response.context["form"].form_id)
    assert fresh != first["request_id"]
    assert fresh in text_of(response)
    assert client.post(REPORT, {**first, **changed, "request_id": fresh}).status_code == 302
    assert Event.objects.count() == 2
    assert files_of(Event.objects.latest("id")).count() == 1


@pytest.mark.parametrize("facts", ["货车占道", ""])
def test_report_on_a_disk_that_takes_nothing_keeps_the_words(cast, media, facts):
    make_category()
    media.write_text("a file where the folder should be")
    client = client_for(cast.grid)
    response = client.post(REPORT, {**report_form(facts=facts), "photos": [photo()]})
    assert response.status_code == 422
    assert "急事请先不带文件提交" in text_of(response)
    assert "东湖路 18 号" in text_of(response)
    assert client.post(REPORT, report_form()).status_code == 302


def test_settle_on_a_disk_that_takes_nothing_keeps_the_words(cast, event, media):
    media.write_text("a file where the folder should be")
    data = {"seen_state": "reported", "result": "当场劝离", "photos": [photo()]}
    response = client_for(cast.duty).post(url("settle", event), data)
    assert response.status_code == 422
    assert "急事请先不带文件提交" in text_of(response)
    assert "当场劝离" in text_of(response)
    event.refresh_from_db()
    assert event.state == "reported"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"category_text": ""}, "请说明是什么事"),
        ({"category_text": "航天发射"}, "没有找到“航天发射”"),
        ({"category_text": "占道"}, "“占道”有 2 类，请点选最像的一类"),
        ({"category": "999999"}, "这个类别已经停用"),
        ({"place": ""}, "请写地点"),
        ({"facts": ""}, "请写看到了什么"),
        ({"title": "长" * 61}, "标题最多 60 字"),
        ({"longitude": "181", "latitude": "29"}, "位置读得不对"),
        ({"longitude": "120", "latitude": "-90.5"}, "位置读得不对"),
        ({"longitude": "东经", "latitude": "29"}, "位置读得不对"),
        ({"is_urgent": "maybe"}, "选择一个有效的选项"),
    ],
)
def test_report_says_what_to_do_and_keeps_what_was_typed(cast, changed, sentence):
    make_category()
    make_category("0201", "占道设摊")
    data = report_form(**{"place": "东湖路 18 号", "facts": "货车占道", **changed})
    response = client_for(cast.grid).post(REPORT, data)
    page = text_of(response)
    assert response.status_code == 422
    assert sentence in page
    assert data["request_id"] in page
    assert data["place"] in page
    assert not Event.objects.exists()


def test_report_with_half_a_position_has_none(cast):
    make_category()
    client_for(cast.grid).post(REPORT, report_form(longitude="120.77"))
    assert Event.objects.get().longitude is None


def test_report_takes_no_grid_of_another_township(cast):
    make_category()
    response = client_for(cast.grid).post(REPORT, report_form(grid=cast.changle_grid.pk))
    assert response.status_code == 422
    assert "请选本镇街的网格" in text_of(response)


def test_report_without_its_id_gets_a_new_one(cast):
    make_category()
    response = client_for(cast.grid).post(REPORT, report_form(request_id="nonsense"))
    assert response.status_code == 422
    assert 'name="request_id" value="nonsense"' not in text_of(response)


# --- photos of a refused sending ------------------------------------------------------------------------------------
def test_report_refused_keeps_the_good_photos(cast, media):
    make_category()
    browser, data = client_for(cast.grid), report_form(facts="")
    page = text_of(browser.post(REPORT, {**data, "photos": [photo("一.jpg"), file("坏.jpg", b"nothing")]}))
    assert "“坏.jpg”不是能打开的照片" in page
    assert "已收到 1 张照片" in page
    page = text_of(browser.post(REPORT, {**data, "photos": [photo("二.jpg")]}))
    assert "已收到 2 张照片" in page
    browser.post(REPORT, {**data, "facts": "货车占道"})
    assert list(Attachment.objects.order_by("id").values_list("name", flat=True)) == ["一.jpg", "二.jpg"]
    assert not list((media / "waiting").iterdir())


def test_report_refused_photos_may_be_chosen_anew(cast):
    make_category()
    browser, data = client_for(cast.grid), report_form(facts="")
    browser.post(REPORT, {**data, "photos": [photo("一.jpg")]})
    browser.post(REPORT, {**data, "facts": "货车占道", "without_waiting": "on", "photos": [photo("二.jpg")]})
    assert [attachment.name for attachment in Attachment.objects.all()] == ["二.jpg"]


def test_report_photos_wait_for_their_sender_only(cast):
    make_category()
    data = report_form(facts="")
    client_for(cast.grid).post(REPORT, {**data, "photos": [photo()]})
    assert "已收到" not in text_of(client_for(cast.duty).post(REPORT, data))


def test_report_takes_nine_photos_and_says_so(cast):
    make_category()
    browser, data = client_for(cast.grid), report_form()
    response = browser.post(REPORT, {**data, "photos": [photo(f"{n}.jpg") for n in range(11)]})
    assert response.status_code == 422
    assert "照片最多 9 张，多出的 2 张没有加入" in text_of(response)
    assert "已收到 9 张照片" in text_of(response)
    browser.post(REPORT, data)
    assert Attachment.objects.count() == 9


def test_report_counts_waiting_photos_too(cast):
    make_category()
    browser, data = client_for(cast.grid), report_form(facts="")
    browser.post(REPORT, {**data, "photos": [photo(f"{n}.jpg") for n in range(8)]})
    response = browser.post(REPORT, {**data, "facts": "货车占道", "photos": [photo("8.jpg"), photo("9.jpg")]})
    assert response.status_code == 422
    assert "多出的 1 张没有加入" in text_of(response)


def test_photos_of_a_persons_last_forms_wait_and_no_more(cast, media):
    make_category()
    browser = client_for(cast.grid)
    for _ in range(5):
        browser.post(REPORT, {**report_form(facts=""), "photos": [photo()]})
    assert len(list((media / "waiting").iterdir())) == 3


def test_photos_that_nobody_came_back_for_are_removed(cast, media):
    make_category()
    client_for(cast.grid).post(REPORT, {**report_form(facts=""), "photos": [photo()]})
    (old,) = (media / "waiting").iterdir()
    os.utime(old, (0, 0))
    client_for(cast.duty).post(REPORT, report_form(facts=""))
    assert not old.exists()


def half_a_photo():
    return file("半张.jpg", photo_bytes(size=(800, 600))[:-200])


def test_report_with_half_a_photo_says_so(cast):
    make_category()
    response = client_for(cast.grid).post(REPORT, report_form(photos=[half_a_photo()]))
    assert response.status_code == 422
    assert "“半张.jpg”不完整" in text_of(response)
    assert not Event.objects.exists()


def test_settle_with_half_a_photo_says_so(cast, event):
    response = client_for(cast.duty).post(url("settle", event), {**FORMS["settle"], "photos": [half_a_photo()]})
    assert response.status_code == 422
    assert "“半张.jpg”不完整" in text_of(response)
    event.refresh_from_db()
    assert event.state == "reported"


# --- finding a class ------------------------------------------------------------------------------------------------
@pytest.fixture
def classes(db):
    return [
        make_category("0203", "占道卸货", "卸货 堵路"), make_category("0201", "擅自设摊经营", "摆摊 水果摊"),
        make_category("0502", "废水直排偷排", "污水"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("占道", ["占道卸货"]),
        ("水果摊", ["擅自设摊经营"]),
        ("0203", ["占道卸货"]),
        ("02", ["擅自设摊经营", "占道卸货"]),
        ("路边摆摊卖水果", ["擅自设摊经营"]),
        ("大类05", ["废水直排偷排"]),
        ("占道 堵路", ["占道卸货"]),
        ("火星", []),
    ],
)
def test_category_search(cast, classes, typed, found):
    page = text_of(client_for(cast.grid).get(SEARCH, {"category_text": typed}))
    assert [category.name for category in classes if category.name in page] == [
        category.name for category in classes if category.name in found
    ]
    assert ("没有找到" in page) == (not found)


def test_category_search_leaves_out_what_is_closed(cast, classes):
    classes[0].is_active = False
    classes[0].save()
    assert "占道卸货" not in text_of(client_for(cast.grid).get(SEARCH, {"category_text": "占道"}))


def test_category_search_asks_one_query(cast, classes, django_assert_num_queries):
    browser = client_for(cast.grid)
    browser.get(SEARCH, {"category_text": "占道"})
    with django_assert_num_queries(4):  # session, user, posts, classes
        browser.get(SEARCH, {"category_text": "占道"})


def test_find_without_javascript_shows_classes_and_complains_of_nothing(cast, classes):
    data = report_form(category_text="水果摊", place="", facts="", find="1", photos=[photo("一.jpg")])
    response = client_for(cast.grid).post(REPORT, data)
    page = text_of(response)
    assert response.status_code == 200
    assert f'value="{classes[1].pk}"' in page
    assert "请先改好" not in page
    assert "已收到 1 张照片" in page


def test_browse_without_javascript_shows_a_group(cast, classes):
    page = text_of(client_for(cast.grid).post(REPORT, report_form(category_text="", browse="05")))
    assert "废水直排偷排" in page


def test_report_by_a_tapped_class(cast, classes):
    client_for(cast.grid).post(REPORT, report_form(category_text="占", category=classes[1].pk))
    assert Event.objects.get().category == classes[1]


# --- the list -------------------------------------------------------------------------------------------------------
def listed(user, **query) -> list[Event]:
    keys = [row["pk"] for row in client_for(user).get(LIST, query).context["rows"]]
    events = Event.objects.in_bulk(keys)
    return [events[key] for key in keys]


def test_list_shows_what_each_may_see(cast, event):
    for who in ("grid", "duty", "leader", "officer", "zdb_officer", "auditor"):
        assert listed(getattr(cast, who)) == [event], who
    for who in ("changle_duty", "changle_grid_member", "scjg_liaison", "bureau_admin", "stranger"):
        assert listed(getattr(cast, who)) == [], who


@pytest.fixture
def two(cast):
    """An old settled one from a call in the grid, and a new urgent one."""
    old = make_event(
        cast, origin=Origin("call"), by=cast.duty, title="旧事", place=Place(cast.ganlin, "西门", cast.ganlin_grid)
    )
    Event.objects.filter(pk=old.pk).update(reported_at=timezone.now() - timedelta(days=9))
    events.settle(old, by=cast.duty, seen_state="reported", result="已办")
    new = make_event(
        cast,
        category=make_category("0502", "废水直排偷排"),
        is_urgent=True,
        title="新事",
        place=Place(cast.ganlin, "东门"),
    )
    return old, new


@pytest.mark.parametrize(
    ("query", "shows"),
    [
        ({"state": "settled"}, "old"),
        ({"state": "open"}, "new"),
        ({"category": "05"}, "new"),
        ({"category": "占道"}, "old"),
        ({"category": "大类02"}, "old"),
        ({"grid": "ganlin_grid"}, "old"),
        ({"source": "call"}, "old"),
        ({"urgent": "True"}, "new"),
        ({"urgent": "False"}, "old"),
        ({"since": "today"}, "new"),
        ({"until": "last week"}, "old"),
        ({"q": "西门"}, "old"),
        ({"q": "新事"}, "new"),
        ({"q": "-0001"}, "old"),
        ({"order": "due"}, "new"),
    ],
)
def test_list_filters(cast, two, query, shows):
    days = {"today": timezone.localdate(), "last week": timezone.localdate() - timedelta(days=7)}
    query = {name: days.get(value, value) for name, value in query.items()}
    if "grid" in query:
        query["grid"] = cast.ganlin_grid.pk
    assert listed(cast.duty, **query) == [two[0] if shows == "old" else two[1]]


def test_list_has_the_newest_first_and_by_due_the_most_urgent(cast, two):
    calm = make_event(cast, title="不急")
    assert listed(cast.duty) == [calm, two[1], two[0]]
    assert listed(cast.duty, order="due") == sorted([calm, two[1]], key=lambda event: event.next_due)


def test_list_until_takes_the_whole_day(cast, event):
    assert listed(cast.duty, until=timezone.localdate()) == [event]
    assert listed(cast.duty, until="9999-12-31", since="0001-01-01") == [event]


def test_list_filter_that_makes_no_sense_is_told(cast, event):
    page = text_of(client_for(cast.duty).get(LIST, {"since": "gestern"}))
    assert "输入一个有效的日期" in page


def test_list_pages_without_counting(cast, event, django_assert_max_num_queries):
    Event.objects.bulk_create(copies(event, 60))
    browser = client_for(cast.duty)
    pages = [browser.get(LIST, {"page": number, "q": "东湖"}).context["page"] for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [25, 25, 11]
    assert [(page.has_previous, page.has_next) for page in pages] == [(False, True), (True, True), (True, False)]
    assert pages[1].query == "q=%E4%B8%9C%E6%B9%96"
    with django_assert_max_num_queries(8) as asked:
        browser.get(LIST)
    assert not [query["sql"] for query in asked if "COUNT(" in query["sql"] and "enforcement_event" in query["sql"]]


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "٣"])
def test_list_page_that_is_no_page(cast, event, page):
    assert client_for(cast.duty).get(LIST, {"page": page}).status_code == 200


def test_list_asks_as_many_queries_at_3_and_at_300_rows(cast, event, django_assert_num_queries):
    browser = client_for(cast.duty)
    Event.objects.bulk_create(copies(event, 2))
    asked = queries_of(browser, django_assert_num_queries)
    Event.objects.bulk_create(copies(event, 297))
    with django_assert_num_queries(asked):
        browser.get(LIST)


def queries_of(browser, assert_num_queries) -> int:
    browser.get(LIST)  # caches filled
    with pytest.raises(pytest.fail.Exception), assert_num_queries(0) as asked:
        browser.get(LIST)
    return len(asked)


def copies(event: Event, many: int) -> list[Event]:
    """Unsaved likenesses with numbers of their own."""
    fields = {
        field.attname: getattr(event, field.attname) for field in Event._meta.concrete_fields if field.name != "id"
    }
    return [Event(**{**fields, "number": f"事{uuid4()}", "request_id": uuid4()}) for _ in range(many)]


def test_list_offers_to_report_by_the_word_of_the_form(cast):
    for who, word in ((cast.grid, "上报事件"), (cast.officer, "上报事件"), (cast.duty, "登记事件")):
        browser = client_for(who)
        for page in ("/events/", REPORT):
            assert word in text_of(browser.get(page))


def test_list_for_htmx_is_the_rows_alone(cast, event):
    page = text_of(client_for(cast.duty).get(LIST, headers={"HX-Request": "true", "HX-Target": "rows"}))
    assert event.title in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [({}, "还没有事件"), ({"q": "没有"}, "没有符合条件的事件"), ({"page": "4"}, "没有第 4 页")],
)
def test_list_that_is_empty_says_what_next(cast, query, sentence):
    assert sentence in text_of(client_for(cast.duty).get(LIST, query))


def test_list_of_the_guidance_office_says_which_township(cast, event):
    assert "甘霖镇" in text_of(
        client_for(cast.zdb_officer).get(LIST, headers={"HX-Request": "true", "HX-Target": "rows"})
    )
    assert listed(cast.zdb_officer, township=cast.changle.pk) == []


# --- one event ------------------------------------------------------------------------------------------------------
def dispatched(cast, event: Event) -> None:
    whistle.submit(
        event, by=cast.duty, request_id=uuid4(), seen_state=event.state, kind="emergency", facts="异味", why="no_power",
        why_text="", lead=cast.scjg,
    )  # fmt: skip


@pytest.mark.parametrize("who", ["changle_duty", "changle_grid_member", "scjg_liaison", "bureau_admin", "stranger"])
def test_detail_of_a_foreign_event_is_not_there(cast, event, who):
    assert client_for(getattr(cast, who)).get(event.get_absolute_url()).status_code == 404


def test_detail_of_the_desk_proposes_a_route_and_says_why(cast, rules):
    event = make_event(cast, category=make_category())
    page = text_of(client_for(cast.duty).get(event.get_absolute_url()))
    assert "建议：交镇街执法队，2 个工作小时内处置" in page
    assert "《城市道路管理条例》第27条" in page
    assert page.count("btn-primary") == 1


@pytest.mark.parametrize(
    ("code", "button"),
    [("0110", ">吹哨<"), ("1211", ">现场办结<"), ("1212", ">不予受理<"), ("0614", ">吹哨<"), ("1209", ">吹哨<")],
)
def test_detail_has_the_proposed_way_as_the_one_filled_button(cast, rules, code, button):
    event = make_event(cast, category=make_category(code))
    page = text_of(client_for(cast.duty).get(event.get_absolute_url()))
    assert page.count("btn-primary") == 1
    assert button in page.split("btn-primary")[1][:200]


@pytest.mark.parametrize("who", ["grid", "officer", "zdb_officer", "auditor"])
def test_detail_shows_others_no_triage(cast, event, who):
    page = text_of(client_for(getattr(cast, who)).get(event.get_absolute_url()))
    assert event.facts in page
    assert "建议：" not in page
    assert "<textarea" not in page


def test_detail_of_a_department_with_a_dispatch_has_facts_and_no_triage(cast, event):
    dispatched(cast, event)
    page = text_of(client_for(cast.scjg_liaison).get(event.get_absolute_url()))
    assert event.facts in page
    assert "派单给市场监管局（主办）" in page
    assert "建议：" not in page
    assert cast.grid.name not in page
    assert client_for(cast.zrzy_liaison).get(event.get_absolute_url()).status_code == 404


def test_detail_of_the_squad_asks_for_the_result(cast, event):
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("work_days", 1))
    page = text_of(client_for(cast.officer).get(event.get_absolute_url()))
    assert "反馈处置结果" in page


def test_detail_tells_the_grid_member_each_step_and_the_end(cast, event):
    dispatched(cast, event)
    page = text_of(client_for(cast.grid).get(event.get_absolute_url()))
    assert "部门签收" in page
    assert "市场监管局" in page


def test_detail_tells_the_grid_member_how_it_ended(cast, event):
    events.settle(event, by=cast.duty, seen_state="reported", result="已清运干净")
    assert "已清运干净" in text_of(client_for(cast.grid).get(event.get_absolute_url()))


def test_detail_says_who_is_on_it(cast, event):
    browser = client_for(cast.duty)
    assert "我来办" in text_of(browser.get(event.get_absolute_url()))
    browser.post(url("claim", event))
    assert f"{cast.duty.name} " in text_of(client_for(cast.leader).get(event.get_absolute_url()))
    assert "我来接手" in text_of(client_for(cast.leader).get(event.get_absolute_url()))


def test_detail_shows_text_of_reporters_as_text(cast):
    event = make_event(cast, title="<script>1</script>", facts="<b onclick=1>")
    page = text_of(client_for(cast.duty).get(event.get_absolute_url()))
    assert "<script>1" not in page
    assert "<b onclick" not in page


def test_detail_has_no_inline_script_or_style(cast, event):
    page = text_of(client_for(cast.duty).get(event.get_absolute_url()))
    assert "style=" not in page
    assert "onclick" not in page


def test_detail_asks_as_many_queries_whatever_hangs_on_it(cast, event, django_assert_max_num_queries):
    dispatched(cast, event)
    browser = client_for(cast.duty)
    browser.get(event.get_absolute_url())
    for n in range(9):
        events.attach(event, photo(f"{n}.jpg"), by=cast.grid, phase="before")
    with django_assert_max_num_queries(14):
        browser.get(event.get_absolute_url())


# --- verbs: happy, foreign, not allowed, wrong state, GET -----------------------------------------------------------
FORMS = {
    "verify": {"seen_state": "reported"},
    "settle": {"seen_state": "reported", "result": "已清运"},
    "squad": {"seen_state": "reported", "amount": "240", "unit": "work_minutes"},
    "dismiss": {"seen_state": "reported", "reason": "duplicate", "text": "与昨天的重复"},
    "caller": {},
    "claim": {},
}
REACHED = {"verify": "verified", "settle": "settled", "squad": "squad", "dismiss": "dismissed"}
VERBS = list(FORMS)


@pytest.mark.parametrize(("verb", "state"), REACHED.items())
@pytest.mark.parametrize("who", ["duty", "leader"])
def test_verb_by_the_desk(cast, event, verb, state, who):
    response = client_for(getattr(cast, who)).post(url(verb, event), FORMS[verb])
    assert response["Location"] == event.get_absolute_url()
    event.refresh_from_db()
    assert event.state == state


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["changle_duty", "changle_leader", "scjg_liaison", "bureau_admin", "stranger"])
def test_verb_on_a_foreign_event_is_404(cast, event, verb, who):
    assert client_for(getattr(cast, who)).post(url(verb, event), FORMS[verb]).status_code == 404


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["grid", "officer", "zdb_officer", "auditor"])
def test_verb_that_is_not_theirs_is_403(cast, event, verb, who):
    assert client_for(getattr(cast, who)).post(url(verb, event), FORMS[verb]).status_code == 403
    event.refresh_from_db()
    assert event.state == "reported"


@pytest.mark.parametrize("verb", REACHED)
def test_verb_on_an_old_page_says_who_was_faster(cast, event, verb):
    events.dismiss(event, by=cast.leader, seen_state="reported", reason="duplicate", text="重复")
    page = text_of(client_for(cast.duty).post(url(verb, event), FORMS[verb], follow=True))
    assert "没有重复办理：甘霖镇·镇街领导已于" in page


def test_claim_twice_is_once(cast, event):
    browser = client_for(cast.duty)
    assert [browser.post(url("claim", event)).status_code for _ in range(2)] == [302, 302]
    assert Entry.objects.filter(verb="claimed").count() == 1


def test_claim_of_a_closed_event_is_403(cast, event):
    events.dismiss(event, by=cast.leader, seen_state="reported", reason="duplicate", text="重复")
    assert client_for(cast.duty).post(url("claim", event)).status_code == 403


@pytest.mark.parametrize("verb", VERBS)
def test_verb_by_get_is_refused(cast, event, verb):
    assert client_for(cast.duty).get(url(verb, event)).status_code == 405


@pytest.mark.parametrize(
    ("verb", "wrong", "sentence"),
    [
        *((verb, {"seen_state": ""}, "页面不完整，没有提交") for verb in REACHED),
        ("settle", {"result": ""}, "请写怎么处置的、结果怎样"),
        ("settle", {"result": "长" * 4001}, "处置结果最多 4000 字"),
        ("squad", {"amount": ""}, "请写时限"),
        ("squad", {"amount": "0"}, "时限至少是 1"),
        ("squad", {"unit": "fortnights"}, "选择一个有效的选项"),
        ("dismiss", {"reason": ""}, "请选一个不予受理的原因"),
        ("dismiss", {"reason": "duplicate", "text": ""}, "请用一两句话说明"),
    ],
)
def test_verb_with_a_wrong_form_shows_the_page_again(cast, event, verb, wrong, sentence):
    response = client_for(cast.duty).post(url(verb, event), {**FORMS[verb], **wrong})
    assert response.status_code == 422
    assert sentence in text_of(response)
    event.refresh_from_db()
    assert event.state == "reported"


def test_verb_with_a_wrong_form_keeps_what_was_typed(cast, event):
    page = text_of(
        client_for(cast.duty).post(url("dismiss", event), {"seen_state": "reported", "text": "写了一半的话"})
    )
    assert "写了一半的话" in page


def test_settle_takes_photos_and_refuses_bad_ones(cast, event):
    browser = client_for(cast.duty)
    response = browser.post(url("settle", event), {**FORMS["settle"], "photos": [file("坏.jpg", b"nothing")]})
    assert response.status_code == 422
    assert "“坏.jpg”不是能打开的照片" in text_of(response)
    browser.post(url("settle", event), {**FORMS["settle"], "photos": [photo("后.jpg")]})
    assert Attachment.objects.get().phase == "after"


def test_settle_by_the_squad_once_it_has_it(cast, event):
    events.hand_to_squad(event, by=cast.duty, seen_state="reported", limit=Step("work_days", 1))
    client_for(cast.officer).post(url("settle", event), {"seen_state": "squad", "result": "已劝离"})
    event.refresh_from_db()
    assert (event.state, event.closed_by) == ("settled", cast.officer)


def test_squad_takes_the_limit_that_was_typed(cast, event):
    client_for(cast.duty).post(url("squad", event), {**FORMS["squad"], "amount": "3", "unit": "work_days"})
    event.refresh_from_db()
    assert (event.squad_amount, event.squad_unit) == (3, "work_days")


def test_caller_is_shown_on_the_page_of_the_click_and_logged(cast):
    event = make_event(cast, by=cast.duty, origin=Origin("call", "", "来电人甲", "0575-00000000"))
    response = client_for(cast.leader).post(url("caller", event))
    assert "来电人甲" in text_of(response)
    assert 'href="tel:0575-00000000"' in text_of(response)
    assert "no-store" in response["Cache-Control"]
    assert Entry.objects.about(event).last().by == cast.leader
    assert "来电人甲" not in text_of(client_for(cast.leader).get(event.get_absolute_url()))


def test_caller_is_the_own_desks_alone(cast):
    event = make_event(cast, by=cast.duty, origin=Origin("call", "", "来电人甲", "0575-00000000"))
    dispatched(cast, event)
    for who in ("officer", "scjg_liaison", "zdb_officer", "auditor"):
        assert client_for(getattr(cast, who)).post(url("caller", event)).status_code == 403
    assert Entry.objects.filter(verb="caller_viewed").count() == 0


def test_report_page_in_a_township_without_grids(cast):
    cast.ganlin_grid.parent = UnitFactory()
    cast.ganlin_grid.save()
    assert client_for(cast.duty).get(REPORT).status_code == 200
