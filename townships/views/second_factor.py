"""The second factor: a code after the password, setting it up, turning it off."""

from base64 import b32encode
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from records.services import access, qr
from townships.forms.account import CodeForm, SetUpForm
from townships.services import second_factor
from townships.views.account import safe_next

UNPROCESSABLE = 422


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Step two of the log-in, and of a change into a post that needs it."""
    user: Any = request.user
    if not user.otp_stamp or second_factor.has_passed(user, request.session):
        return HttpResponseRedirect(safe_next(request))
    form = CodeForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        passed(request)
        access.note(user, "second_factor_passed")
        return HttpResponseRedirect(safe_next(request))
    context = {"form": form, "next": wanted(request)}
    return render(request, "townships/code.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Whether one has it, how many recovery codes are left, and the ways on."""
    user: Any = request.user
    context = {
        "is_required": second_factor.is_required(user.acting),
        "codes_left": second_factor.codes_left(user) if user.otp_stamp else 0,
        "form": CodeForm(user=user, prefix="off"),
    }
    return render(request, "townships/second_factor.html", context)


@never_cache
@sensitive_post_parameters("code", "old_code", "offer")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """A new device: its secret as a picture and to type, its first code, then the recovery codes, shown once."""
    user: Any = request.user
    if not second_factor.may_set_up(user, timezone.now()):
        return render(request, "townships/second_factor_late.html", status=403)
    if user.otp_stamp and not second_factor.has_passed(user, request.session):
        return redirect("townships:code")
    form = SetUpForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        context = {"codes": second_factor.set_up(form.cleaned_data["offer"]), "next": safe_next(request)}
        passed(request)
        return render(request, "townships/second_factor_codes.html", context)
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "townships/second_factor_setup.html", _offer(request, form), status=status)


@never_cache
@require_http_methods(["POST"])
def turn_off(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = CodeForm(request.POST, user=user, prefix="off")
    if second_factor.is_required(user.acting):
        messages.warning(request, "您现在的岗位必须使用二次验证，不能关闭。")
    elif not user.otp_stamp:
        messages.info(request, "二次验证已经是关闭的。")
    elif form.is_valid():
        second_factor.turn_off(user)
        messages.success(request, "二次验证已关闭。")
    else:
        messages.warning(request, f"没有关闭：{' '.join(map(str, form.errors.get('code', [])))}")
    return redirect("townships:second-factor")


def passed(request: HttpRequest) -> None:
    """This session has given its code. A new key: one that was known before the code is worth nothing after it."""
    user: Any = request.user
    request.session.cycle_key()
    request.session[second_factor.SESSION_KEY] = user.otp_stamp


def wanted(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next", "")


def _offer(request: HttpRequest, form: SetUpForm) -> dict[str, Any]:
    """The same secret again after a wrong code: it has been scanned already."""
    user: Any = request.user
    token = form.data.get("offer", "") if form.is_bound else ""
    device = second_factor.offered(user, token) if token else None
    if device is None:
        token = second_factor.offer(user)
        device = second_factor.offered(user, token)
    assert device is not None  # noqa: S101 - of this moment
    secret = b32encode(device.bin_key).decode()
    return {
        "form": form,
        "offer": token,
        "qr": qr.drawn(device.config_url),
        "link": device.config_url,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "is_required": second_factor.is_required(user.acting),
        "next": wanted(request),
    }
