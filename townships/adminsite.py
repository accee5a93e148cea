"""The admin's front door: one sign-in for the whole portal, behind the same lock-out."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache


class PortalAdminSite(AdminSite):
    site_title = site_header = "嵊州综合执法协同 · 系统管理"
    index_title = "管理首页"
    enable_nav_sidebar = False

    @method_decorator([never_cache, login_not_required])
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002
        """The portal's own page; who is signed in and still sent here has no right to be."""
        if request.user.is_authenticated:
            raise PermissionDenied
        back = urlencode({"next": request.GET.get("next") or "/"})
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{back}")

    def password_change(  # type: ignore[override]
        self,
        request: HttpRequest,  # noqa: ARG002
        extra_context: Any = None,  # noqa: ARG002
    ) -> HttpResponse:
        return redirect("townships:password-change")


class PortalAdminConfig(AdminConfig):
    default_site = "townships.adminsite.PortalAdminSite"
