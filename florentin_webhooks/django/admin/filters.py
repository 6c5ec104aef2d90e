"""Narrow the admin's list: by state, by event, and by how long ago a delivery came."""

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
    """Choose among the states."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, str]]:  # Any: of our model.
        """Give the states that a record can be in."""
        return [(state.value, state.value) for state in State if state is not State.LOST]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Give those in the chosen state."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(state=chosen)


class ByEvent(SimpleListFilter):
    """Choose among the events that are known; no row is asked for their names."""

    title = "event"
    parameter_name = "event"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, str]]:  # Any: of our model.
        """Give the names of the catalogue, those that the program has registered, and the rest."""
        return [*((name, name) for name in _known()), (_OTHER, "any other")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Give those of the chosen event."""
        chosen = self.value()
        if chosen == _OTHER:
            return queryset.exclude(event__in=_known())
        return queryset if chosen is None else queryset.filter(event=chosen)


class ByAge(SimpleListFilter):
    """Choose how long ago a delivery came, at most."""

    title = "received"
    parameter_name = "hours"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, str]]:  # Any: of our model.
        """Give what people ask after an incident."""
        return [(hours, words) for hours, (_, words) in _AGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Give those that came since then."""
        chosen = _AGES.get(self.value() or "")
        if chosen is None:
            return queryset
        return queryset.filter(received_at__gte=to_db(datetime.now(UTC) - chosen[0]))


def _known() -> list[str]:
    hooks = delivery_source().hooks
    return list(CATALOGUE if hooks is None else hooks.models)
