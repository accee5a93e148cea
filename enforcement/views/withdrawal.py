"""撤哨 on a whistle's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from enforcement.forms.withdrawal import WithdrawForm
from enforcement.permissions import can_withdraw
from enforcement.services import withdrawal
from enforcement.views.whistle import again, visible_whistle
from records.verbs import require


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    whistle = visible_whistle(request, pk)
    require(request, can_withdraw, whistle)
    form = WithdrawForm(request.POST, auto_id="withdraw_%s")
    if not form.is_valid():
        return again(request, whistle, withdraw=form)
    withdrawal.withdraw(whistle, by=request.user, **form.cleaned_data)
    back = "，事件回到待安排" if whistle.event else ""
    messages.success(request, f"已撤哨{back}，请来的单位已收到消息" if whistle.sent_at else f"已撤哨{back}")
    return redirect(whistle.event or whistle)
