"""What happens in a demo town: classes of matters, the places where they happen, and the words that officers use.

Everything here is invented. `{p}` is a place, `{n}` a small number. No person, firm or street of a real town is meant.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACES: dict[str, tuple[str, ...]] = {
    "market": ("中心农贸市场西门", "老街农贸市场", "桥头早市", "供销大厦前广场", "集镇小商品市场"),
    "shops": ("振兴路沿街商铺", "老车站对面店面", "滨溪路夜市", "文昌路小吃街", "东湖路夜市"),
    "road": ("环镇北路", "过境公路弯道", "振兴路与文昌路口", "老国道桥头", "园区大道", "村道岔路口"),
    "school": ("中心小学东门", "镇中学南门", "中心幼儿园门口", "职业学校侧门"),
    "site": ("安置小区二期工地", "商住楼工地北门", "集镇停车场工地", "污水管网施工段"),
    "plant": ("工业园 3 号仓库", "五金加工厂院内", "塑料制品厂旁", "园区闲置厂房", "纺织车间后门"),
    "river": ("溪滩公园下游", "新桥下河段", "排涝站旁", "山塘坝脚", "堰头河埠"),
    "village": ("上街自然村", "溪边新村", "岭脚自然村", "后塘自然村", "文化礼堂旁"),
    "field": ("村口农田", "茶园西侧", "苗圃旁", "机耕路边", "山脚竹林"),
    "estate": ("安居小区 5 幢", "锦园小区北区", "老粮站宿舍", "桥东新村 12 幢"),
}


@dataclass(frozen=True)
class Matter:
    """One class of matter. `whistled` of ten cases go to departments (0: the township always does it alone); `lead` and
    `helpers` are unit codes; `done` is what the lead writes at the end, `settled` what the township writes when it did
    it itself; `scene` names what its photos show."""

    code: str
    where: str
    title: str
    facts: str
    settled: str
    weight: int
    whistled: int
    kind: str
    lead: str
    helpers: tuple[str, ...]
    why: str
    ask: str
    done: tuple[str, ...]
    results: tuple[str, ...]
    scene: str
    is_urgent: bool


def load_matters() -> tuple[Matter, ...]:
    """All matters of `matters.csv`; several values in one cell are separated by |."""
    with Path(__file__).with_name("matters.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_matter(row) for row in csv.DictReader(file))


def _matter(row: dict[str, str]) -> Matter:
    fields: dict[str, Any] = {
        **row,
        **{name: tuple(filter(None, row[name].split("|"))) for name in ("helpers", "done", "results")},
        "weight": int(row["weight"]),
        "whistled": int(row["whistled"]),
        "is_urgent": row["is_urgent"] == "yes",
    }
    return Matter(**fields)


HELPED = (
    "到场配合，提供本部门意见，现场处置由主办部门负责。",
    "配合检查，未发现本部门管辖的其他问题。",
    "派员到场维持秩序，配合取证。",
)
INTERIM = (
    "已到场核实，情况基本属实，正在取证。",
    "已控制现场，暂无人员受伤，后续处置方案已定。",
    "已约见当事人，限期自行改正，继续跟进。",
)
TOWN_REMARKS = (
    "现场有村干部等候，到后可先联系值班员。",
    "当事人下午三点后在家，可以那时上门。",
    "今天是集市日，车请停在卫生院旁空地。",
)
DEPT_REMARKS = ("已联系承办人，预计半小时内到。", "需要镇里协调村委提供产权材料。", "检测结果明天上午出，先告知。")
REWORK = (
    "复查仍有两处没有清理，请补办并附照片。",
    "反馈没有写明当事人是否已改正，请补充。",
    "回访反映夜里仍有发生，请再处置一次。",
)
REJECT = (
    "队伍有职权，先由执法队处置，不成再吹哨。",
    "主办部门不准，请核对职责后再报。",
    "事实不够清楚，请补充现场情况。",
)
DISMISS = {
    "duplicate": "与前一件是同一地点同一事，已并入前件办理。",
    "untrue": "到场核实两次，未见所述情况。",
    "not_ours": "地点在邻镇，已告知对方指挥室电话。",
    "unclear": "地点不清，来电号码无法接通。",
    "unreasonable": "所提要求没有依据，已电话说明。",
}
WHY_TEXT = ("", "", "近三个月同一地点第二次。", "镇里已劝导两次，当事人不改。")
