"""Find whose deliveries lie in the tables, for those who look at them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.urls import get_resolver

from florentin_webhooks.django import conf
from florentin_webhooks.django.mounts import find_mounts, receivers
from florentin_webhooks.django.store.store import DjangoStore

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.senders.florentin.events import Event

__all__ = ["DeliverySource", "delivery_source"]

_COMMAND = "manage.py florentin_webhooks deliveries"
_COMMAND_OF = "florentin-webhooks deliveries"
_PLACES = {
    "RedisStore": "Redis",
    "MemoryStore": "the memory of a process, where nobody can look",
}


class DeliverySource(NamedTuple):
    """Say which database is looked into, whose deliveries are there, and what is to be known.

    *hooks* is None where nobody can tell whose they are.
    """

    using: str
    hooks: Receiver | None
    notes: tuple[str, ...] = ()

    def missing(self, event: str, ended: Collection[str]) -> tuple[str, ...]:
        """Give the names of the handlers that want *event* and are not among the *ended*."""
        return tuple(name for name in self.wanted(event) if name not in ended)

    def wanted(self, event: str) -> tuple[str, ...]:
        """Give the names of the handlers that want *event*."""
        if self.hooks is None:
            return ()
        model: type[Event] = self.hooks.model(event)
        # Who wants an event is decided by its class, so that no body is needed.
        return tuple(handler.name for handler in self.hooks.router.match(model))


def delivery_source() -> DeliverySource:
    """Give what the settings' receiver remembers in its database, or else the first in the URLs."""
    has_urls = getattr(settings, "ROOT_URLCONF", None)
    return _remembered(get_resolver() if has_urls else None, conf.receiver_or_none())


@lru_cache(maxsize=1)
def _remembered(*_: object) -> DeliverySource:
    # Once for the URLs and settings of a program: tables of a hundred rows ask for each.
    found = receivers(find_mounts())
    stores = [(each, each.store.using) for each in found if isinstance(each.store, DjangoStore)]
    if not stores:
        return DeliverySource(DEFAULT_DB_ALIAS, None, (_elsewhere(found),))
    using = stores[0][1]
    notes = tuple(
        f"More deliveries lie in the database {alias!r}; see: {_COMMAND_OF} list APP"
        for alias in dict.fromkeys(alias for _, alias in stores if alias != using)
    )
    if [alias for _, alias in stores].count(using) == 1:
        return DeliverySource(using, stores[0][0], notes)
    several = (
        f"Several receivers share the database {using!r}, so that nobody can tell here whose "
        f"handlers a delivery is for. To replay one: {_COMMAND_OF} replay APP FINGERPRINT"
    )
    return DeliverySource(using, None, (several, *notes))


def _elsewhere(found: Sequence[Receiver]) -> str:
    if not found:
        return "No receiver is configured, or wrongly. See: manage.py check"
    kind = type(found[0].store).__name__
    command = f"{_COMMAND} list" if conf.receiver_or_none() else f"{_COMMAND_OF} list APP"
    see = "" if kind == "MemoryStore" else f" See: {command}"
    return f"Deliveries are remembered in {_PLACES.get(kind, kind)}, and not here.{see}"
