from typing import Any

from axes.helpers import get_client_ip_address, get_cool_off
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from records.services import access
from townships.entrance import begin
from townships.forms.account import LoginForm, PasswordForm
from townships.middleware import SESSION_KEY
from townships.services import account

TOO_MANY = 429


class Login(LoginView):
    template_name = "townships/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        """Too many failures from this address: turned away before a password is looked at."""
        if account.is_address_blocked(get_client_ip_address(request)):
            context = {"cooloff_timedelta": get_cool_off(request), "is_address_blocked": True}
            return render(request, settings.AXES_LOCKOUT_TEMPLATE, context, status=TOO_MANY)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        begin(self.request.session)
        access.note(self.request.user, "logged_in")
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        account.note_failure(form.cleaned_data.get("username", ""))
        return super().form_invalid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Why somebody who was signed in is here again; only between fixed sentences can the address choose."""
        asked = self.request.GET
        ended = {"ended": asked.get("ended", ""), "unsaved": "unsaved" in asked}
        return {**super().get_context_data(**kwargs), **ended}


class Logout(LogoutView):
    def post(self, request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        """On a shared computer the back button shows the next person nothing."""
        if request.user.is_authenticated:
            access.note(request.user, "logged_out")
        response = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = '"cache"'
        return response


class PasswordChange(PasswordChangeView):
    template_name = "townships/password_change.html"
    form_class = PasswordForm
    success_url = reverse_lazy(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """This session goes on with the new password; the account's others end."""
        account.change_password(form.user, form.cleaned_data["new_password1"], by=form.user)
        update_session_auth_hash(self.request, form.user)
        messages.success(self.request, "密码已修改，其他设备上的登录已失效。")
        return redirect(self.get_success_url())


@require_POST
def switch_post(request: HttpRequest) -> HttpResponse:
    """Act in another of one's own posts."""
    user: Any = request.user
    wanted = request.POST.get("post")
    post = next((post for post in user.posts_today if str(post.pk) == wanted), None)
    if post is None:
        raise Http404
    request.session[SESSION_KEY] = post.pk
    return HttpResponseRedirect(safe_next(request))


def safe_next(request: HttpRequest) -> str:
    """Where the form wants to go on, if that is a path on this host."""
    wanted = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    if is_here and wanted.startswith("/"):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)


login = Login.as_view()
logout = Logout.as_view()
password_change = PasswordChange.as_view()
