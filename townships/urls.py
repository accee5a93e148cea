from django.urls import path

from townships.views import account, administrators, second_factor, session, shift, squad

app_name = "townships"

urlpatterns = [
    path("login/", account.login, name="login"),
    path("login/code/", second_factor.code, name="code"),
    path("second-factor/", second_factor.overview, name="second-factor"),
    path("second-factor/set-up/", second_factor.set_up, name="second-factor-setup"),
    path("second-factor/off/", second_factor.turn_off, name="second-factor-off"),
    path("session/", session.session, name="session"),
    path("logout/", account.logout, name="logout"),
    path("password/", account.password_change, name="password-change"),
    path("switch-post/", account.switch_post, name="switch-post"),
    path("administrators/", administrators.administrators, name="administrators"),
    path("squad/", squad.squad_page, name="squad"),
    path("squad/<int:pk>/status/", squad.member_status, name="member-status"),
    path("squad/who-can-come/", squad.who_can_come, name="who-can-come"),
    path("shifts/", shift.rota, name="shifts"),
    path("shifts/print/", shift.sheet, name="shifts-sheet"),
    path("shifts/add/", shift.shift_add, name="shift-add"),
    path("shifts/<int:pk>/remove/", shift.shift_remove, name="shift-remove"),
]
