"""The manual's pictures: which look of which browser walk each one is, and what part of it is shown.

`make manual` takes the looks and cuts the pictures into static/help; tests/command_room/test_manual.py misses none.
"""

from dataclasses import dataclass

PHONE, DESK = 390, 1440
SCREEN = 844  # px: a phone shows so much at once, with the bar at the thumb where it belongs


@dataclass(frozen=True)
class Picture:
    """`file` in static/help, without its ending; `look` as the walks call it; from `top` on at most `height` px of it."""

    file: str
    look: str
    alt: str
    width: int = PHONE
    top: int = 0
    height: int = SCREEN

    @property
    def is_wide(self) -> bool:
        return self.width == DESK

    @property
    def device(self) -> str:
        return "电脑上" if self.is_wide else "手机上"


PICTURES: dict[str, Picture] = {
    one.file: one
    for one in (
        Picture("login", "h01-login", "登录页", height=760),
        Picture("report", "01-report", "上报一件事"),
        Picture("reported", "02-reported", "报好以后，看得到办到哪一步"),
        Picture("check", "c02-to-check", "去核查：看部门怎么说，按一个按钮"),
        Picture("accept", "03-triage", "受理：建议和别的去向", width=DESK, height=1000),
        Picture("squad-job", "h20-squad-job", "执法队填处置结果"),
        Picture("merge", "c20-likely-the-same", "可能是同一件事的列在最上面", width=DESK, height=1000),
        Picture("whistle", "04-whistle", "吹哨：选哨种、选部门、写清要做什么", width=DESK, height=1100),
        Picture("whistle-phone", "04-whistle", "吹哨，每种哨写着期限"),
        Picture("approve", "07-approve", "领导审核"),
        Picture("approved", "08-approved", "批准以后，各部门开始计时"),
        Picture("action", "j03-chosen", "发起联合行动：各家各写一句任务", width=DESK, height=1200),
        Picture("to-sign", "09-lead-to-sign", "收到派单，先签收"),
        Picture("arrive", "09-lead-signed", "到了现场，勾选到场的人"),
        Picture("arrived", "11-lead-arrived", "反馈：选结果，写采取了什么措施", top=845, height=680),
        Picture("close", "18-confirm", "看过反馈，打星，确认办结", width=DESK, height=1000),
        Picture("return", "r03-article-missing", "申请退哨，没写依据条款会提示", top=670, height=740),
        Picture("agree", "r06-to-agree", "部门领导答复退哨"),
        Picture("extension", "50-extend", "申请延期，写着延到哪天", top=1290, height=440),
        Picture("extension-answer", "53-to-answer", "答复延期：旧期限和新期限", width=DESK, height=760),
        Picture("suspension", "61-suspend", "申请挂账", top=830, height=700),
        Picture("suspended", "68-suspended-whistle", "挂账中，暂停计时", width=DESK, height=700),
        Picture("withdraw", "73-withdraw", "撤哨", top=920, height=400),
        Picture("appeal", "c09-departments-rating", "部门看到评价，可以申诉"),
        Picture("decide", "c12-to-decide", "指导办裁定申诉", width=DESK, height=1000),
        Picture("arbitrate", "r09-to-arbitrate", "指导办裁定退哨", width=DESK, height=1100),
        Picture("worklist", "09-lead-worklist", "现在该我做的", height=760),
        Picture("worklist-desk", "17-desk-worklist", "指挥室的待办", width=DESK, height=600),
        Picture("board", "r12-board", "镇街指挥台", width=DESK, height=800),
        Picture("city", "e8-city", "全市指挥台，一行一个镇街", width=DESK, height=800),
        Picture("shift-write", "s2-write", "写交接单，没办结的自动列上"),
        Picture("shift-note", "s5-note", "接班的人看到的交接单", width=DESK, height=800),
        Picture("squad", "h21-squad", "一支队伍", width=DESK, height=700),
        Picture("marked", "e4-marked", "亮了红牌的派单"),
        Picture("slip", "e5-slip", "督办单", width=DESK, height=1000),
        Picture("list", "h22-list", "筛选打开的样子", width=DESK, height=620),
        Picture("messages", "h23-messages", "消息", height=800),
        Picture("preference", "h24-preference", "消息设置"),
        Picture("accounts", "f3-people-2-wrong", "批量开户的预览，要改的单元格列在最上面", width=DESK, height=760),
        Picture("leaving", "l2-open", "离岗移交：每一类交给谁"),
        Picture("settings", "h26-limits", "办理时限，每一行写着从哪天起", width=DESK, height=700),
        Picture("history", "h32-history", "一行的历史：先后各是什么，谁改过什么", width=DESK, height=620),
        Picture("export", "x7-ticked", "勾选好的派单，上面是批量办和导出", width=DESK, height=620),
        Picture("second-factor", "h30-second-factor", "二次验证"),
        Picture("wall", "h27-wall-links", "大屏链接", width=DESK, height=700),
        Picture("wall-city", "h31-wall-city", "全市大屏", width=DESK, height=900),
        Picture("retention", "h28-retention", "保存期限", width=DESK, height=800),
        Picture("audit", "h29-audit", "审计", width=DESK, height=760),
        Picture("trail", "19-closed", "办结的哨单，进度和经过都在", width=DESK, height=1300),
        Picture("feedback", "h10-feedback", "意见反馈"),
        Picture("feedback-answer", "h13-to-answer", "管理员看到的意见和答复框", width=DESK, height=700),
    )
}
