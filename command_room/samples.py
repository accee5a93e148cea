"""Invented data for the page that shows every component in every state; nothing here touches the database."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

from django import forms
from django.templatetags.static import static

from enforcement.services.steps import Step


class Clock(NamedTuple):
    """One due time on show: what it is for, when it falls and how it is meant to look."""

    label: str
    at: datetime
    note: str
    is_provisional: bool = False
    since: datetime | None = None
    tone: str = ""


class MultipleFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class SampleForm(forms.Form):
    """One field of each kind that the portal's forms use."""

    place = forms.CharField(label="地点", max_length=100, help_text="写到门牌或最近的路口")
    facts = forms.CharField(label="情况", widget=forms.Textarea(attrs={"rows": 3}))
    source = forms.ChoiceField(
        label="来源", choices=[("grid", "网格"), ("patrol", "巡查"), ("12345", "12345"), ("call", "群众来电")]
    )
    kind = forms.ChoiceField(
        label="哨种",
        choices=[("routine", "日常哨"), ("hard", "攻坚哨"), ("emergency", "应急哨")],
        widget=forms.RadioSelect,
    )
    is_urgent = forms.BooleanField(label="急：今天就要有人到场", required=False)
    photos = forms.FileField(
        label="照片（可不传）",
        required=False,
        help_text="最多 9 张，手机拍的原图即可",
        widget=MultipleFiles(attrs={"accept": "image/*,.heic,.heif"}),
    )


def clocks(now: datetime) -> list[Clock]:
    """Every tone and every way of saying a due time."""
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    return [
        Clock("签收", now - 35 * minute, "已过期：红"),
        Clock("办结", now - 27 * hour, "超过一天"),
        Clock("签收", now + 9 * minute + timedelta(seconds=30), "两小时之内：黄"),
        Clock("到场", now + 110 * minute, "一小时以上"),
        Clock("办结", now + 2 * day, "长期限的最后五分之一：黄", since=now - 13 * day),
        Clock("签收", now + 5 * hour + 48 * minute, "还早：绿"),
        Clock("反馈", now + 26 * hour, "跨天"),
        Clock("办结", now + 15 * day, "只说天数"),
        Clock("办结", now + 40 * day, "节假日未公布", is_provisional=True),
        Clock("评价", now + 3 * hour, "等别人办：灰", tone="idle"),
    ]


def _slip(number: str, kind: str, title: str, tone: str, clock: Clock, *depts: tuple[str, str, str]) -> dict[str, Any]:
    return {"number": number, "kind": kind, "title": title, "tone": tone, "clock": clock, "depts": depts}


def lanes(now: datetime) -> list[dict[str, Any]]:
    """A board of five states, one of them empty."""
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    done, waiting, late, soon = ("done", "已签收"), ("", "未签收"), ("late", "超期"), ("soon", "将到期")
    rows = [
        ("待审核", [_slip("哨-1124-007", "日常哨", "东湖路夜市占道、油烟扰民", "soon", Clock("审核", now + 110 * minute, ""),
                       ("综合执法局", *waiting), ("市场监管局", *waiting))]),
        ("待签收", [
            _slip("哨-1124-003", "日常哨·急", "老 104 国道边坡落石压占非机动车道", "late", Clock("签收", now - 35 * minute, ""),
                  ("交通运输局", *done), ("自然资源局", *late)),
            _slip("哨-1124-006", "应急哨", "化工仓库异味，群众要求查明", "soon", Clock("签收", now + 9 * minute, ""),
                  ("应急管理局", *soon), ("生态环境分局", *soon)),
            _slip("哨-1124-005", "日常哨", "工地夜间施工噪声", "ok", Clock("签收", now + 6 * hour, ""), ("建设局", *waiting)),
        ]),
        ("已签收", [_slip("哨-1123-012", "日常哨", "农贸市场外无证熟食摊", "ok", Clock("到场", now + 7 * hour, ""),
                       ("市场监管局", *done), ("综合执法局", *done))]),
        ("处置中", [
            _slip("哨-1112-009", "日常哨", "违建彩钢棚拆除", "late", Clock("办结", now - 27 * hour, ""), ("自然资源局", *late)),
            _slip("哨-1118-004", "攻坚哨", "环境综合整治联合行动", "ok", Clock("办结", now + 15 * day, "", is_provisional=True),
                  ("综合执法局", *done), ("交警中队", *done), ("交通运输局", *done), ("市场监管局", *done)),
        ]),
        ("待评价", []),
    ]  # fmt: skip
    return [{"title": title, "slips": slips} for title, slips in rows]


def acts(now: datetime) -> list[dict[str, Any]]:
    """The work list of a liaison: late, soon, ok, and one that somebody else has taken."""
    minute, day = timedelta(minutes=1), timedelta(days=1)
    return [
        {"tone": "late", "kind": "日常哨·急", "title": "老市场西门熟食摊无证经营", "verb": "打开签收",
         "why": "甘霖镇 · 等您签收，签收后镇里才知道谁来", "clock": Clock("签收", now - 12 * minute, "")},
        {"tone": "soon", "kind": "应急哨", "title": "学校食堂疑似食物中毒", "verb": "已到场", "other": "导航",
         "why": "崇仁镇 · 已签收，等到场报到", "clock": Clock("到场", now + 18 * minute, "")},
        {"tone": "ok", "kind": "攻坚哨", "title": "集镇环境整治联合行动", "verb": "写首报", "claimed": "联络员（备）",
         "why": "三界镇 · 到场后 2 小时内说一句现场情况", "clock": Clock("首报", now + day, "", is_provisional=True)},
    ]  # fmt: skip


def steps(now: datetime) -> list[Step]:
    """A whistle half way: done, done late, now, to come."""
    minute = timedelta(minutes=1)
    return [
        Step("网格员上报", at=now - 14 * minute, note="附 3 张照片", state="done"),
        Step("吹哨", at=now - 6 * minute, due=now - 41 * minute, note="应急哨先发后核，镇领导已事后确认", state="done"),
        Step("签收", due=now + 9 * minute, note="15 分钟，连续计时", state="now"),
        Step("到场", due=now + 24 * minute),
        Step("办结", due=now + 1434 * minute, is_provisional=True),
    ]


def photos(now: datetime) -> list[SimpleNamespace]:
    url = static("img/sample-photo.svg")
    about = {"preview": True, "preview_url": url, "get_absolute_url": url, "get_phase_display": "处置前"}
    return [SimpleNamespace(**about, name=f"IMG_{n}.jpg", at=now - timedelta(minutes=15 - n)) for n in range(1, 5)]


def entries(now: datetime) -> list[SimpleNamespace]:
    said = [
        (14, "上报事件（网格）", "甘霖第12网格·网格员", "信息采集"),
        (6, "吹应急哨，应急管理局主办；先发后核", "甘霖镇·指挥室值班员", "任务派遣"),
        (1, "应急管理局签收（超期）", "应急管理局·部门联络员", "任务派遣"),
    ]
    return [
        SimpleNamespace(at=now - timedelta(minutes=ago), what=what, by_office=office, get_stage_display=stage)
        for ago, what, office, stage in said
    ]


def context(now: datetime) -> dict[str, Any]:
    """Everything that templates/command_room/components.html shows."""
    wrong = SampleForm({"wrong-place": "老市场西门", "wrong-source": "grid", "wrong-kind": "routine"}, prefix="wrong")
    wrong.is_valid()
    return {
        "now": now,
        "clocks": clocks(now),
        "lanes": lanes(now),
        "acts": acts(now),
        "steps": steps(now),
        "photos": photos(now),
        "entries": entries(now),
        "claimed": SimpleNamespace(claimed_by="联络员（备）", claimed_at=now - timedelta(minutes=3)),
        "unclaimed": SimpleNamespace(claimed_by=None),
        "signed_at": now - timedelta(minutes=5),
        "signed_due": now - timedelta(minutes=40),
        "form": SampleForm(),
        "wrong": wrong,
        "page": SimpleNamespace(
            number=2, has_previous=True, has_next=True, previous_page_number=1, next_page_number=3, query="state=open"
        ),
        "rows": [slip for lane in lanes(now) for slip in lane["slips"]][:5],
    }
