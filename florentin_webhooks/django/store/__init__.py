"""A store in the program's own database."""

from florentin_webhooks.django.store.store import DjangoStore

__all__ = ["DjangoStore"]
