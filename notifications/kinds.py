"""What the portal tells people: one frozen dataclass a kind, named in the past tense.

A message leaves the building by mail, so it holds number, kind of matter, unit, due time and link, and nothing else:
no names, no phone numbers, no facts. The base class alone has fields, and a test holds that.
"""

import re
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, ClassVar, Self

from django.utils import timezone

END_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True)
class Kind:
    """One message. `due` is ISO 8601 with its offset, or None; `link` is a path inside the portal, as from reverse()."""

    number: str
    matter: str
    unit: str
    due: str | None
    link: str

    title: ClassVar[str] = "消息"
    clock_label: ClassVar[str] = "期限"
    is_news: ClassVar[bool] = False  # only tells how something ended

    def __post_init__(self) -> None:
        if self.due is not None and datetime.fromisoformat(self.due).tzinfo is None:
            raise ValueError(f"due without an offset: {self.due}")
        if not self.link.startswith("/") or self.link.startswith("//"):
            raise ValueError(f"not a path inside the portal: {self.link}")

    @property
    def due_at(self) -> datetime | None:
        return datetime.fromisoformat(self.due) if self.due else None

    @property
    def has_clock(self) -> bool:
        """Time is running, so the message never waits: neither for the morning nor for the digest."""
        return self.due is not None and not self.is_news

    @property
    def ends_with_the_day(self) -> bool:
        """Its limit is counted in days: when it is over, at midnight, nobody is woken up for it."""
        return self.due_at is not None and timezone.localtime(self.due_at).time() == END_OF_DAY

    def as_data(self) -> dict[str, Any]:
        """The five fields, as the outbox keeps them."""
        return asdict(self)

    @classmethod
    def code(cls) -> str:
        """The class name in snake case: the name in the table, and of the template."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def sample(cls) -> Self:
        """An invented message for the preview page and the tests."""
        return cls("哨330683102-20261124-0007", "日常哨·急", "甘霖镇", "2026-11-24T16:30:00+08:00", "/messages/")


class EventReported(Kind):
    """To the township's duty officer."""

    title = "新事件等您受理"
    clock_label = "受理期限"


class EventHandedToSquad(Kind):
    """To the squad's officers."""

    title = "事件交执法队处置"
    clock_label = "处置期限"


class EventClosed(Kind):
    """To the reporter."""

    title = "您上报的事件已办结"
    is_news = True


class EventDismissed(Kind):
    """To the reporter."""

    title = "您上报的事件不予受理"
    is_news = True


class WhistleSubmitted(Kind):
    """To the leaders of the unit that whistles."""

    title = "哨单等您审核"
    clock_label = "审核期限"


class WhistleApproved(Kind):
    """To the desk of the unit that whistles."""

    title = "哨单已批准并派出"
    clock_label = "办结期限"


class WhistleRejected(Kind):
    """To the desk of the unit that whistles."""

    title = "哨单未获批准"
    is_news = True


class EmergencyBlown(Kind):
    """To the leaders of the unit that whistles, who confirm it afterwards."""

    title = "应急哨已发出等您事后确认"
    clock_label = "事后确认期限"


class DispatchSent(Kind):
    """To the desk of the unit that is asked."""

    title = "派单等您签收"
    clock_label = "签收期限"


class DispatchAssigned(Kind):
    """To the officer, or the people of the sub-unit, who go."""

    title = "派单已交您承办"
    clock_label = "到场期限"


class DispatchArrived(Kind):
    """To the desk of the unit that whistles."""

    title = "派单已有人到场"
    clock_label = "办结期限"


class DispatchReported(Kind):
    """To the desk of the unit that whistles."""

    title = "派单已反馈等您评价"
    clock_label = "评价期限"


class ReworkAsked(Kind):
    """To the department's liaisons and the officer."""

    title = "派单退回返工"
    clock_label = "返工期限"


class DispatchClosed(Kind):
    """To the department's liaisons and the officer."""

    title = "派单已办结"
    is_news = True


class ReturnAsked(Kind):
    """To the department's leaders, where the unit wants their yes."""

    title = "退哨等您同意"
    clock_label = "签收期限"


class ReturnDeclined(Kind):
    """To the department's liaisons: their leader says no."""

    title = "领导不同意退哨，请签收"
    clock_label = "签收期限"


class ReturnSubmitted(Kind):
    """To the guidance office, which arbitrates."""

    title = "退哨等您仲裁"
    clock_label = "仲裁期限"


class ReturnForwarded(Kind):
    """To the unit that has whistled, and to the department that returns it."""

    title = "退哨已送指导办仲裁"
    clock_label = "仲裁期限"


class ReturnUpheld(Kind):
    """To the department that stays, and to the unit that has whistled."""

    title = "退哨不成立，维持原派"
    clock_label = "到场期限"


class ReturnGranted(Kind):
    """To the department that is out of it, and to the unit that has whistled."""

    title = "退哨成立"
    is_news = True


class LeadTakenOver(Kind):
    """To the department that has helped so far and leads from now on."""

    title = "改由您单位主办"
    clock_label = "办结期限"


class DeskMissing(Kind):
    """To the desk that whistles: the unit that was asked has nobody at its desk, somebody else has been told there."""

    title = "对方没有联络员，请打电话"
    clock_label = "签收期限"


class RemarkWritten(Kind):
    """To the other side of the dispatch."""

    title = "派单有新留言"
    clock_label = "当前期限"


class CheckAsked(Kind):
    """To the grid member who reported: the lead says that it is done, please look."""

    title = "事件已处置请您核查"
    clock_label = "核查期限"


class CheckAnswered(Kind):
    """To the desk of the unit that whistled."""

    title = "网格员已核查"
    clock_label = "评价期限"


class AppealAsked(Kind):
    """To the guidance office."""

    title = "评价申诉等您裁定"


class AppealDecided(Kind):
    """To the rated department and to the unit that rated."""

    title = "评价申诉已裁定"
    is_news = True


class EventMerged(Kind):
    """To the reporter: somebody else has reported the same."""

    title = "您上报的事件已并案"
    is_news = True


class EventHandedOver(Kind):
    """To the reporter: a neighbouring township has it now."""

    title = "您上报的事件已移交"
    clock_label = "受理期限"
    is_news = True


class HandoverAsked(Kind):
    """To the desk of the township that is to accept it."""

    title = "事件移交等您接收"
    clock_label = "接收期限"


class HandoverAccepted(Kind):
    """To the desk of the township that gave it."""

    title = "移交的事件已被接收"
    is_news = True


class HandoverRefused(Kind):
    """To the desk of the township that wanted to give it."""

    title = "移交的事件未被接收"
    clock_label = "受理期限"


class HandoverEnded(Kind):
    """To the desk that had been asked: taken back, or the event took another way."""

    title = "移交已经收回"
    is_news = True


class ExtensionAsked(Kind):
    """To whoever answers: the whistling unit's desk, the second time the guidance office."""

    title = "延期申请等您答复"
    clock_label = "现在的办结期限"


class ExtensionGranted(Kind):
    """To the department's liaisons and the officer."""

    title = "同意延期"
    clock_label = "新的办结期限"


class ExtensionRefused(Kind):
    """To the department's liaisons and the officer."""

    title = "不同意延期"
    clock_label = "办结期限"


class SuspensionAsked(Kind):
    """To the leaders of the whistling unit: until they answer, the clocks run on."""

    title = "挂账申请等您批准"
    clock_label = "当前期限"


class SuspensionRefused(Kind):
    """To both desks: the clocks have run on."""

    title = "挂账未获批准"
    clock_label = "当前期限"
    is_news = True


class WhistleSuspended(Kind):
    """To everybody on it. No clock runs, so it may wait for the morning."""

    title = "哨单已挂账，暂停计时"
    clock_label = "恢复期限"
    is_news = True


class WhistleResumed(Kind):
    """To everybody on it."""

    title = "哨单已恢复，继续计时"
    clock_label = "当前期限"


class WhistleWithdrawn(Kind):
    """To the departments, and to the leaders where they had still to say yes."""

    title = "哨单已撤回"
    is_news = True


class Reminded(Kind):
    """To whoever has it in hand: most of the limit is used up. Once a clock, by itself or by the township's desk."""

    title = "期限将到，请抓紧"
    clock_label = "当前期限"


class TurnedYellow(Kind):
    """To whoever has it in hand and the leaders of their unit."""

    title = "已超期，黄牌"
    clock_label = "已过期限"

    @property
    def has_clock(self) -> bool:
        return not self.ends_with_the_day


class TurnedRed(Kind):
    """To the leaders of the unit that is late, the desk that waits for it, and the guidance office; with the slip."""

    title = "红牌督办"
    clock_label = "已过期限"

    @property
    def has_clock(self) -> bool:
        return not self.ends_with_the_day


class ManyReminded(Kind):
    """`Reminded` of several dispatches at once: one message, to the list that has them."""

    title = "多件派单将到期，请抓紧"
    clock_label = "最早期限"


class ManyAssigned(Kind):
    """`DispatchAssigned` of several at once."""

    title = "多件派单已交您承办"
    clock_label = "最早到场期限"


class ManyHandedToSquad(Kind):
    """`EventHandedToSquad` of several at once."""

    title = "多件事件交执法队处置"
    clock_label = "最早处置期限"


class ShiftNoteLeft(Kind):
    """To whoever is next on the rota of the township's command room."""

    title = "值班交接等您接班"
    clock_label = "接班期限"


class FeedbackAnswered(Kind):
    """To whoever said something about the portal."""

    title = "您的意见有答复了"
    is_news = True


class ProvisionalDueChanged(Kind):
    """To duty officer and liaisons: a due time was computed anew when the year's holidays were imported."""

    title = "暂定期限已重新计算"
    clock_label = "新的期限"


class JobDone(Kind):
    """To whoever asked for the long job: the result is there."""

    title = "您要的文件做好了"
    clock_label = "下载期限"
    is_news = True


class JobFailed(Kind):
    """To whoever asked for the long job: the page says why, and what to do."""

    title = "后台任务没有完成"
    is_news = True


class DeliveriesFailed(Kind):
    """To the administrators, once a day, if there is anything."""

    title = "有消息没有送达"
    is_news = True


class SecondFactorSetUp(Kind):
    """To the person, who may not be the one who did it."""

    title = "二次验证已设置"
    is_news = True


class SecondFactorOff(Kind):
    """To the person."""

    title = "二次验证已关闭"
    is_news = True


class SecondFactorReset(Kind):
    """To the person whose device is lost, the administrators and the auditors."""

    title = "二次验证已由管理员重置"
    is_news = True


class AdministratorAdded(Kind):
    """To all administrators and auditors, at once."""

    title = "新增系统管理员"


class MattersTakenOver(Kind):
    """To each who takes over from somebody that leaves, and to the desks that get something back."""

    title = "同事离岗事项转交"


KINDS: dict[str, type[Kind]] = {kind.code(): kind for kind in Kind.__subclasses__()}


def restore(code: str, data: dict[str, Any]) -> Kind:
    """The message back from the outbox; a kind that this version does not know (any more) is a bare message."""
    return KINDS.get(code, Kind)(**data)
