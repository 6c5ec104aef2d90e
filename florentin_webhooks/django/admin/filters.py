"""Filters of the admin's list: by state, by event, and by age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.admin.source import delivery_source
from florentin_webhooks.django.store.clock import to_db
from florentin_webhooks.senders.florentin.events import CATALOGUE

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from florentin_webhooks.django.models import Delivery

__all__ = ["ByAge", "ByEvent", "ByState"]

_OTHER = "-"
_AGES = {
    "1": (timedelta(hours=1), "Past hour"),
    "24": (timedelta(days=1), "Past 24 hours"),
    "168": (timedelta(days=7), "Past 7 days"),
}


class ByState(SimpleListFilter):
    """Filter by state."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, str]]:  # Any: of our model.
        """Return the states of a record."""
        return [(state.value, state.value) for state in State if state is not State.LOST]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Return deliveries in the chosen state."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(state=chosen)


class ByEvent(SimpleListFilter):
    """Filter by event; the names come from the receiver, not from the table."""

    title = "event"
    parameter_name = "event"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, str]]:  # Any: of our model.
        """Return the known events, and one entry for all others."""
        return [*((name, name) for name in _known_events()), (_OTHER, "any other")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Return deliveries of the chosen event."""
        chosen = self.value()
        if chosen == _OTHER:
            return queryset.exclude(event__in=_known_events())
        return queryset if chosen is None else queryset.filter(event=chosen)


class ByAge(SimpleListFilter):
    """Filter by maximum age."""

    title = "received"
    parameter_name = "hours"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, str]]:  # Any: of our model.
        """Return the choices of maximum age."""
        return [(hours, label) for hours, (_, label) in _AGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Return deliveries received since then."""
        chosen = _AGES.get(self.value() or "")
        if chosen is None:
            return queryset
        return queryset.filter(received_at__gte=to_db(datetime.now(UTC) - chosen[0]))


def _known_events() -> list[str]:
    hooks = delivery_source().hooks
    return list(CATALOGUE if hooks is None else hooks.models)
