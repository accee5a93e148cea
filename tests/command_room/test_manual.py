"""The manual: for every role, in the words of the screens, with the numbers of the rows and a picture for each job."""

import ast
import re
from datetime import date, time, timedelta
from functools import lru_cache
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from command_room.pictures import PICTURES
from command_room.services import manual
from command_room.services.manual import BY_SLUG, TOPICS
from enforcement.models import Limit
from notifications.models import ChannelRule
from tests.cast import Cast, client_for
from townships.models import Role

ROOT = settings.BASE_DIR
PAGES = ROOT / "templates/help"
NAMED = re.compile(r'<kbd class="btn-name">(.*?)</kbd>')
PRESSED = re.compile(r"<(button|a|summary|label|legend)\b[^>]*>(.*?)</\1>", re.DOTALL)
SHOWN = re.compile(r"{%\s*picture\s+([^%]*)%}")
BRANCH = re.compile(r"{%[^%]*%}|{{[^}]*}}")
OPTIONAL = re.compile(r"{% if [^%]*%}[^{]*{% endif %}")
NO_PICTURE = {"undelivered"}  # its page is the admin's own list


def page(slug: str) -> str:
    return reverse("command_room:help-topic", args=[slug])


@pytest.fixture
def anybody(cast: Cast, calendar_2026: None) -> Client:
    return client_for(cast.duty)


# --- what is there ----------------------------------------------------------------------------------------------------
def test_every_page_has_its_topic_and_every_topic_its_page() -> None:
    files = {file.stem for file in PAGES.glob("*.html") if not file.name.startswith("_")}
    assert files == set(BY_SLUG)
    assert len(BY_SLUG) == len(TOPICS)


@pytest.mark.parametrize("role", Role.values)
def test_every_role_has_its_first_day_first(role: str) -> None:
    group, topics = manual.contents(role)[0]
    assert group == manual.FIRST_DAY
    assert [topic.slug for topic in topics] == [f"first-{role.replace('_', '-')}"]
    assert len(manual.contents(role)) > 1


def test_every_topic_says_when_how_and_what_may_go_wrong() -> None:
    for topic in TOPICS:
        source = (PAGES / f"{topic.slug}.html").read_text()
        assert [part for part in ("什么时候", "怎么做", "遇到问题") if f"<h2>{part}</h2>" not in source] == [], (
            topic.slug
        )
        assert len(re.findall("<li>", source)) > 1, topic.slug


# --- the very words on the buttons --------------------------------------------------------------------------------------
@lru_cache
def said_on_screens() -> set[str]:
    """What can be pressed in a template, and what code gives a button or a field as its name."""
    words: set[str] = set()
    for file in (ROOT / "templates").rglob("*.html"):
        if PAGES not in file.parents:
            for _, inner in PRESSED.findall(file.read_text()):
                text = re.sub(r"<[^>]*>", "", inner)
                words |= {" ".join(part.split()) for part in [*BRANCH.split(text), OPTIONAL.sub("", text)]}
    for room in ("command_room", "enforcement", "townships", "notifications"):
        for file in (ROOT / room).rglob("*.py"):
            if (
                "/demo/" not in str(file)
                and "/migrations/" not in str(file)
                and file.name not in ("manual.py", "pictures.py")
            ):
                words |= {
                    node.value
                    for node in ast.walk(ast.parse(file.read_text()))
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                }
    return words


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.slug)
def test_every_button_that_is_named_exists(topic: manual.Topic) -> None:
    named = {" ".join(name.split()) for name in NAMED.findall((PAGES / f"{topic.slug}.html").read_text())}
    assert named - said_on_screens() - {markup_in_admin(name) for name in named} == set()


def markup_in_admin(name: str) -> str:
    """A link that an admin list draws by itself."""
    return name if f">{name}</a>" in (ROOT / "enforcement/admin.py").read_text() else ""


def test_a_button_that_is_not_there_would_be_missed() -> None:
    assert "批准发出" in said_on_screens()
    assert "批准并发出" not in said_on_screens()


# --- pictures -----------------------------------------------------------------------------------------------------------
def pictures_of(slug: str) -> list[str]:
    found = SHOWN.findall((PAGES / f"{slug}.html").read_text())
    return re.findall(r'"([^"]+)"', " ".join(found))


def test_every_job_has_a_picture_and_every_picture_a_job() -> None:
    shown = {slug: pictures_of(slug) for slug in BY_SLUG}
    assert {slug for slug, files in shown.items() if not files} == NO_PICTURE
    assert {file for files in shown.values() for file in files} == set(PICTURES)


def test_every_picture_is_there_and_all_together_are_small() -> None:
    files = {file.stem: file.stat().st_size for file in (ROOT / "static/help").glob("*.webp")}
    assert set(files) == set(PICTURES), "make manual"
    assert sum(files.values()) < 2_500_000


def test_every_picture_is_a_look_that_a_walk_takes() -> None:
    """Names may be put together there: `f"{step}-signed"` takes `09-lead-signed`."""
    sources = "\n".join(file.read_text() for file in (ROOT / "tests/browser").glob("test_*.py"))
    taken = [re.sub(r"{[^}]*}", ".+", name) for name in re.findall(r'"((?:[\w.{}-]+))"', sources)]
    patterns = [re.compile(name) for name in taken if "-" in name and len(name.replace(".+", "")) > len("-abc")]
    lost = {one.look for one in PICTURES.values() if not any(pattern.fullmatch(one.look) for pattern in patterns)}
    assert not lost


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.slug)
def test_topic_opens_with_its_pictures_and_no_broken_link(topic: manual.Topic, anybody: Client) -> None:
    response = anybody.get(page(topic.slug))
    html = response.content.decode()
    assert response.status_code == 200
    assert html.count('loading="lazy"') == len(pictures_of(topic.slug))
    article = html[html.index("<article") : html.index("</article>")]
    assert 'alt=""' not in article
    linked = set(re.findall(r'href="/help/([^"/]+)/"', html))
    assert linked <= set(BY_SLUG)
    assert not re.search(r"<b>\s*</b>|None", article)  # a number that is not there


# --- numbers ------------------------------------------------------------------------------------------------------------
def test_limits_are_those_of_the_rows(anybody: Client, rules: None) -> None:
    day = timezone.localdate()
    html = anybody.get(page("dispatch")).content.decode()
    assert "17 分钟" not in html
    old = Limit.objects.on(day).get(kind="emergency", step="sign")
    old.valid_to = day - timedelta(days=1)
    old.save()
    Limit.objects.create(kind="emergency", step="sign", unit="continuous_minutes", amount=17, valid_from=day)
    assert "17 分钟" in anybody.get(page("dispatch")).content.decode()


def test_quiet_hours_are_those_of_the_row(anybody: Client, rules: None) -> None:
    assert "<b>22:00</b> 到 <b>07:00</b>" in anybody.get(page("messages")).content.decode()
    ChannelRule.objects.create(channels=["mail"], quiet_from=time(21, 30), quiet_to=time(6), reason="入冬作息")
    assert "<b>21:30</b> 到 <b>06:00</b>" in anybody.get(page("messages")).content.decode()


@pytest.mark.django_db
def test_limits_without_rows_are_the_shipped_ones() -> None:
    day = date(2026, 11, 24)
    assert [line.sign for line in manual.whistle_limits(day)] == ["15 分钟", "1 小时", "4 个工作小时", "1 个工作日"]
    assert manual.limits(day)["approve"] == [("日常哨·急", "1 小时"), ("其他", "2 个工作小时")]
    assert manual.limits(day)["check"] == [("", "1 个工作日")]


def test_topic_asks_the_database_a_fixed_number_of_times(anybody: Client, rules: None) -> None:
    asked = []
    for slug in ("whistle", "login"):
        with CaptureQueriesContext(connection) as queries:
            anybody.get(page(slug))
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 7


# --- contents and search --------------------------------------------------------------------------------------------------
def test_contents_open_on_ones_own_role_and_show_the_others(cast: Cast) -> None:
    client = client_for(cast.scjg_liaison)
    own = client.get(reverse("command_room:help")).content.decode()
    assert page("first-liaison") in own
    assert page("first-grid") not in own
    assert page("first-grid") in client.get(reverse("command_room:help"), {"role": "grid"}).content.decode()
    assert page("first-liaison") in client.get(reverse("command_room:help"), {"role": "x"}).content.decode()


def test_somebody_without_a_post_reads_it_too(cast: Cast) -> None:
    assert client_for(cast.stranger).get(reverse("command_room:help")).status_code == 200
    assert client_for(cast.stranger).get(page("report")).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "first"), [("退哨", "return"), ("忘记密码", "login"), ("打卡", "first-grid"), ("TOO", ""), ("", ""), ("照片 上报", "report")]
)  # fmt: skip
def test_search_looks_in_headings(wanted: str, first: str) -> None:
    found = [topic.slug for topic, _ in manual.find(wanted)]
    assert found[:1] == ([first] if first else [])


def test_search_says_which_heading_and_what_to_do_without_one(cast: Cast) -> None:
    client = client_for(cast.duty)
    assert "这里要不要打卡" in client.get(reverse("command_room:help"), {"q": "打卡"}).content.decode()
    nothing = client.get(reverse("command_room:help"), {"q": "<b>没有"}).content.decode()
    assert "没有找到“&lt;b&gt;没有”" in nothing
    assert reverse("command_room:feedback") in nothing


# --- who -----------------------------------------------------------------------------------------------------------------
def test_only_the_log_in_topic_is_for_everybody(client: Client, db: None) -> None:
    html = client.get(page("login")).content.decode()
    assert "一次性密码" in html
    assert page("report") not in html
    assert [topic.slug for topic in TOPICS if topic.is_public] == ["login"]
    for path in (page("report"), page("nothing"), reverse("command_room:help")):
        assert client.get(path).url.startswith("/login/")  # type: ignore[attr-defined]
    assert page("login") in client.get(reverse("townships:login")).content.decode()


def test_a_topic_that_is_not_there_is_not_found(cast: Cast) -> None:
    assert client_for(cast.duty).get(page("nothing")).status_code == 404


def test_first_log_in_may_read_how(cast: Cast) -> None:
    cast.duty.must_change_password = True
    cast.duty.save()
    assert client_for(cast.duty).get(page("login")).status_code == 200
    assert client_for(cast.duty).get(reverse("command_room:help")).status_code == 302


def test_every_question_mark_leads_to_a_topic() -> None:
    used = set()
    for file in Path(ROOT / "templates").rglob("*.html"):
        used |= set(re.findall(r'{% help_link "([^"]+)" %}', file.read_text()))
    assert used <= set(BY_SLUG)
    assert used >= {"report", "worklist", "board", "accept", "whistle", "dispatch"}
