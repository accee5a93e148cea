"""The staged 联合行动: a township's with four units in each state, a department's for two townships and a department."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from command_room.demo.book import Book
from command_room.demo.cast import CHANGLE, CHONGREN, GANLIN, Department
from command_room.demo.verbs import action
from command_room.demo.verbs import dispatch as dispatches
from command_room.demo.verbs import whistle as whistles
from enforcement.models import Dispatch, Whistle
from enforcement.services.rating import Rating
from townships.models import Unit, User


@dataclass(frozen=True)
class Action:
    """`asked`: unit codes with their tasks, the lead first; `reached` by the lead, whom the others follow: submitted, sent,
    arrived, reported or closed. It was submitted `back` ago and assembles `after` that; of those asked, `signed` have
    signed (all, where they have arrived)."""

    by: str
    title: str
    facts: str
    area: str
    place: str
    asked: tuple[tuple[str, str], ...]
    reached: str
    back: timedelta
    after: timedelta
    hour: int = 9  # of the assembly
    signed: int = 0


SMOKE = (
    ("zfj", "查露天烧烤和油烟直排，责令改正。"),
    ("scjg", "查证照和食品安全。"),
    ("sthj", "现场测油烟，核对净化器。"),
    ("gaj", "维持秩序和交通。"),
)
WORKSHOPS = (
    ("yjgl", "查用电、用火和危险品存放。"),
    ("gaj", "核对流动人口登记。"),
    ("jsj", "看房屋结构和加层。"),
    ("zfj", "查违法搭建。"),
)
RIVER = (
    ("slsd", "查河道内的堆放和乱建。"),
    ("sthj", "沿河取水样，查排口。"),
    ("nyncj", "查养殖和农药包装。"),
    ("zfj", "清理沿河垃圾。"),
)
MARKET = (
    (CHANGLE, "召集市场开办者，清出消防通道。"),
    (GANLIN, "召集市场开办者，安排人员引导。"),
    ("sthj", "查市场的污水和油烟。"),
)
FAKES = ((CHONGREN, "摸清辖区内的收购点，到场配合。"), ("gaj", "到场取证，控制现场。"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACTIONS = (
    Action(
        GANLIN, "夜市油烟联合整治", "本月关于夜市油烟的投诉有 14 件，一家去解决不了。", "振兴路至文昌路夜市",
        "镇政府东门停车场", SMOKE, "submitted", timedelta(minutes=25), 2 * DAY, hour=19,
    ),
    Action(
        GANLIN, "出租厂房安全联合检查", "园区闲置厂房转租给小作坊，用电和住人情况不清。", "园区大道沿线出租厂房",
        "工业园 3 号门", WORKSHOPS, "sent", 3 * HOUR, 2 * DAY, signed=2,
    ),
    Action(
        GANLIN, "溪滩河道联合清理", "河道里堆放和排口都多，请几家一起走一遍。", "溪滩公园至新桥",
        "溪滩公园北门", RIVER, "arrived", 3 * DAY, 2 * DAY,
    ),
    Action(
        GANLIN, "学校周边联合整治", "把学校周边的摊点、证照和交通一起理顺。", "中心小学至镇中学",
        "中心小学东门", SMOKE, "reported", 8 * DAY, 3 * DAY,
    ),
    Action(
        GANLIN, "国道沿线联合整治", "货车停放、路口堆物和广告牌，几家一起清。", "老国道镇区段",
        "老车站广场", WORKSHOPS, "closed", 30 * DAY, 2 * DAY,
    ),
    Action(
        "scjg", "农贸市场联合检查", "两个镇的农贸市场同时检查食品安全和消防通道。", "长乐、甘霖两镇的农贸市场",
        "长乐镇农贸市场西门", MARKET, "sent", 2 * HOUR, 2 * DAY, signed=1,
    ),
    Action(
        "scjg", "收购点假冒商品联合检查", "有线索反映收购点囤放假冒商品，需要镇里和公安一起去。", "崇仁镇镇区收购点",
        "崇仁镇政府", FAKES, "submitted", timedelta(minutes=40), 3 * DAY,
    ),
)  # fmt: skip
DONE = "按任务检查完毕，当场改正 5 处，责令限期改正 2 处，已约定复查时间。"
HELPED = "按分工到场，任务已完成，情况报主办单位。"


def play(book: Book, now: datetime) -> None:
    for each in ACTIONS:
        _play(book, each, now)


def _play(book: Book, each: Action, now: datetime) -> None:
    units = {unit.code: unit for unit in _units(book)}
    start, side = now - each.back, book.cast.side(units[each.by])
    if each.back >= DAY:
        start = start.replace(hour=10)  # in office hours, at whatever hour this is loaded
    asked = [(units[code], task) for code, task in each.asked]
    whistle = action.submit(
        book,
        side.unit,
        by=side.duty[0],
        at=start,
        asked=asked,
        kind=Whistle.Kind.CAMPAIGN,
        title=each.title,
        facts=each.facts,
        area=each.area,
        assemble_place=each.place,
        assemble_at=(start + each.after).replace(hour=each.hour, minute=0, second=0),
    )
    if each.reached == "submitted":
        return
    sent, asked_units = start + timedelta(minutes=20), [unit for unit, _ in asked]
    whistles.approve(book, whistle, by=side.leaders[0], at=sent, town=side, units=asked_units)
    _answer(book, each, whistle, sent)
    if each.reached == "closed":
        lead = book.parts[whistle.request_id][0]
        last = next(one for one in book.reports if one.dispatch is lead)
        ratings = {0: Rating(5, ("fast", "solves")), 1: Rating(4), 2: Rating(5)}
        whistles.close(book, whistle, by=side.duty[0], at=last.at + DAY, ratings=ratings, last_report=last)


def _answer(book: Book, each: Action, whistle: Whistle, sent: datetime) -> None:
    """Signed one after the other; those that are past it came to the assembly in time, and the lead has reported."""
    parts = book.parts[whistle.request_id]
    has_come = each.reached != "sent"
    for index, part in enumerate(parts[: len(parts) if has_come else each.signed]):
        side = book.cast.side(part.department)
        dispatches.sign(book, part, by=side.duty[0], at=sent + (index + 1) * timedelta(minutes=9))
    if not has_come or whistle.assemble_at is None:
        return
    for index, part in enumerate(parts):
        going = _going(book, part)
        at = whistle.assemble_at - (len(parts) - index) * timedelta(minutes=3)
        dispatches.arrive(book, part, by=going[0], at=at, officers=going)
    if each.reached in ("reported", "closed"):
        for index, part in enumerate(reversed(parts[:3])):  # the lead last; the fourth has nothing to say
            _report(book, part, whistle.assemble_at + DAY + index * HOUR)


def _report(book: Book, part: Dispatch, at: datetime) -> None:
    text, result = (DONE, "ordered") if part.is_lead else (HELPED, "solved")
    dispatches.report_back(book, part, by=_going(book, part)[0], at=at, result=result, measures=text)


def _going(book: Book, part: Dispatch) -> list[User]:
    side = book.cast.side(part.department)
    if isinstance(side, Department) and part.by_unit.pk in side.stations:
        return side.stations[part.by_unit.pk][1]
    return side.officers[:2]


def _units(book: Book) -> list[Unit]:
    towns, departments = book.cast.towns.values(), book.cast.departments.values()
    return [*(town.unit for town in towns), *(department.unit for department in departments)]
