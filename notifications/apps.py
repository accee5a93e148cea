from django.apps import AppConfig
from django.core.checks import register

from notifications import checks


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "消息"

    def ready(self) -> None:
        register(checks.channels)
