"""Be an app of a Django program: find its handlers, check its settings."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

__all__ = ["FlorentinWebhooksConfig"]


class FlorentinWebhooksConfig(AppConfig):
    """Import ``florentin_handlers`` of every installed app, so that its handlers are registered."""

    name = "florentin_webhooks.django"
    label = "florentin_webhooks"
    verbose_name = "Florentin webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, build the receiver of the settings, discover handlers."""
        from florentin_webhooks.django import checks, conf  # noqa: PLC0415 - need the settings.

        checks.register_all()
        # What is wrong with the settings is told by a check; handlers could not be registered.
        if not conf.is_configured() or not conf.problems():
            autodiscover_modules("florentin_handlers")
