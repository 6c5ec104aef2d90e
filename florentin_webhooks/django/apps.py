"""The app of a Django program: it discovers handlers and registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

__all__ = ["FlorentinWebhooksConfig"]


class FlorentinWebhooksConfig(AppConfig):
    """The app, which imports ``florentin_handlers`` of every installed app."""

    name = "florentin_webhooks.django"
    label = "florentin_webhooks"
    verbose_name = "Florentin webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, build the receiver of the settings, discover handlers."""
        from florentin_webhooks.django import checks, conf, forks  # noqa: PLC0415 - need settings.

        forks.forget_connections_in_forks()
        checks.register_all()
        # A check reports invalid settings; until then no handler could be registered.
        if not conf.is_configured() or not conf.problems():
            autodiscover_modules("florentin_handlers")
