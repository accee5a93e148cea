from enforcement.forms.event import VerbForm, text


class WithdrawForm(VerbForm):
    reason = text("撤哨原因", 400, "请写为什么撤哨，请来的部门会看到。", rows=2)
