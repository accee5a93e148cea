from django.apps import AppConfig
from django.core.checks import Tags, register

from portal import celery, checks

__all__ = [
    "PortalConfig",
    "celery",
]  # celery: imported here and not in portal/__init__, which the Django-free parts pass


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        register(checks.database_reads_chinese, Tags.database)
        register(checks.owner_is_not_the_web, Tags.security, deploy=True)
        register(checks.second_factor_is_for_roles, Tags.security)
