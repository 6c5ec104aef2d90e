"""Find the database that the admin shows, and the receiver that owns its deliveries."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.urls import get_resolver

from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.django import conf
from florentin_webhooks.django.mounts import find_mounts, receivers
from florentin_webhooks.django.store.store import DjangoStore

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.event import Event

__all__ = ["DeliverySource", "delivery_source"]

_COMMAND = "manage.py florentin_webhooks deliveries"
_COMMAND_OF = "florentin-webhooks deliveries"
_STORE_NAMES = {
    "RedisStore": "Redis",
    "MemoryStore": "the memory of a process, which the admin cannot read",
}


class DeliverySource(NamedTuple):
    """The database shown in the admin, the receiver that owns it, and notices for the user.

    *hooks* is None if there is no receiver, or more than one.
    """

    using: str
    hooks: Receiver[object] | None
    notes: tuple[str, ...] = ()
    elsewhere: Receiver[object] | None = None
    """A receiver whose deliveries another store has, which can be read."""

    def missing(self, event: str, ended: Collection[str]) -> tuple[str, ...]:
        """Return the names of *event*'s handlers that are not among *ended*."""
        return tuple(name for name in self.handlers(event) if name not in ended)

    def handlers(self, event: str) -> tuple[str, ...]:
        """Return the names of the handlers of *event*."""
        if self.hooks is None:
            return ()
        model: type[Event] = self.hooks.model(event)
        # Handlers match by the class of the event, so no body is needed.
        return tuple(handler.name for handler in self.hooks.router.match(model, event))


def delivery_source() -> DeliverySource:
    """Return the source of the settings' receiver, or else of the first one in the URLs."""
    has_urls = getattr(settings, "ROOT_URLCONF", None)
    return _find_source(get_resolver() if has_urls else None, conf.receiver_or_none())


@lru_cache(maxsize=1)
def _find_source(*_: object) -> DeliverySource:
    # Cached, because every row of the list needs it.
    found = receivers(find_mounts())
    stores = [(each, each.store.using) for each in found if isinstance(each.store, DjangoStore)]
    if not stores:
        readable = [each for each in found if not isinstance(each.store, MemoryStore)]
        elsewhere = readable[0] if readable else None
        notice = _notice_of_other_store(found)
        return DeliverySource(DEFAULT_DB_ALIAS, None, (notice,), elsewhere)
    using = stores[0][1]
    notes = tuple(
        f"More deliveries are in the database {alias!r}. See: {_COMMAND_OF} list APP"
        for alias in dict.fromkeys(alias for _, alias in stores if alias != using)
    )
    if [alias for _, alias in stores].count(using) == 1:
        return DeliverySource(using, stores[0][0], notes)
    several = (
        f"Several receivers share the database {using!r}, so the admin does not know which one "
        f"received a delivery. To replay one: {_COMMAND_OF} replay APP FINGERPRINT"
    )
    return DeliverySource(using, None, (several, *notes))


def _notice_of_other_store(found: Sequence[Receiver[object]]) -> str:
    if not found:
        return "No valid receiver is configured. See: manage.py check"
    kind = type(found[0].store).__name__
    command = f"{_COMMAND} list" if conf.receiver_or_none() else f"{_COMMAND_OF} list APP"
    see = "" if kind == "MemoryStore" else f" See: {command}"
    return f"Deliveries are stored in {_STORE_NAMES.get(kind, kind)}, not in this database.{see}"
