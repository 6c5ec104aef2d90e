"""The receivers that a page shows, and the stores that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.replay import plan_record
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["HISTORY", "HandlerPlace", "Sources", "name_of"]

HISTORY = 1000
"""The deliveries that a store in memory keeps for the page, as other stores do by default."""


class HandlerPlace(NamedTuple):
    """A handler and the queue that it runs in, empty for an inline one."""

    name: str
    queue: str


class Sources:
    """The *receivers* of a page, at least one."""

    def __init__(self, receivers: Sequence[Receiver[object]]) -> None:
        if not receivers:
            raise ConfigurationError(
                "The inspector has no receiver.", "Pass at least one: Inspector(hooks)."
            )
        self.receivers: tuple[Receiver[object], ...] = tuple(receivers)
        for hooks in receivers:
            if isinstance(hooks.store, MemoryStore):
                hooks.store.keep_history(HISTORY)

    @property
    def stores(self) -> tuple[Store, ...]:
        """Each store once."""
        by_place = {
            getattr(hooks.store, "location", id(hooks.store)): hooks.store
            for hooks in reversed(self.receivers)
        }
        return tuple(by_place.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each receiver: as configured, or its import path."""
        return tuple(name_of(hooks) for hooks in self.receivers)

    def owner(self, record: Record) -> Receiver[object]:
        """Return the receiver that accepted *record*: that with the key id of its secret."""
        if len(self.receivers) > 1:
            for hooks in self.receivers:
                if record.key_id in hooks.identity.all_key_ids:
                    return hooks
        return next(iter(self.receivers))

    def handlers(self, record: Record) -> list[HandlerPlace]:
        """Return the handlers of *record*, registered or recorded, in their order."""
        plan = plan_record(self.owner(record), record)
        queues = {name: queue for queue, names in plan.queued for name in names}
        queues |= {name: queue for queue, names in record.waiting.items() for name in names}
        names = [*(handler.name for handler in plan.handlers), *queues, *record.handlers]
        return [HandlerPlace(name, queues.get(name, "")) for name in dict.fromkeys(names)]


def name_of(hooks: Receiver[object]) -> str:
    """Return the name of a receiver."""
    name = hooks.reporter.receiver
    return hooks.sender.name if name == "-" else name
