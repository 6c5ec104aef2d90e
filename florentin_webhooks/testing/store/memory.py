"""The memory of the store for tests: deliveries, and the ways that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from florentin_webhooks.core.stores.accept import Accept
    from florentin_webhooks.protocol.fingerprint import RetryKey
    from florentin_webhooks.testing.store.entries import Entry

__all__ = ["Memory"]


class Memory:
    """Every delivery by its first fingerprint; later ones and delivery ids lead to it."""

    def __init__(
        self, clock: Callable[[], datetime], lease: timedelta, retention: timedelta
    ) -> None:
        self.clock, self.lease, self.retention = clock, lease, retention
        self.entries: dict[bytes, Entry] = {}
        self._aliases: dict[bytes, bytes] = {}
        self._sent: dict[bytes, dict[bytes, bytes]] = {}
        self._contents: dict[tuple[bytes, str | None], bytes] = {}

    def find(self, key: bytes) -> Entry | None:
        """Return the delivery with *key*, or None; one that has expired is forgotten."""
        first = self._aliases.get(key, key)
        entry = self.entries.get(first)
        since = entry.remembered_since if entry else None
        if since and since + self.retention <= self.clock():
            del self.entries[first]
            return None
        return entry

    def find_sent(self, accept: Accept) -> Entry | None:
        """Return the delivery that *accept* repeats, by any of its keys, or None."""
        for key, trace in accept.lookups:
            first = self._sent.get(trace.delivery_id, {}).get(trace.content) if trace else None
            if found := self.find(key) or (self.find(first) if first else None):
                self._add_way(accept, found)
                return found
        return None

    def find_content(self, body: bytes, delivery_id: str | None) -> Entry | None:
        """Return the delivery that came as *body* under *delivery_id*, or as *body* at least."""
        exact = self._contents.get((body, delivery_id))
        others = (key for (each, _), key in self._contents.items() if each == body)
        found = exact or next(others, None)
        return self.find(found) if found else None

    def fingerprints(self, accept: Accept) -> set[bytes]:
        """Return the first fingerprints of what came under the delivery id of *accept*."""
        traces = [trace for _, trace in accept.lookups if trace]
        return {key for each in traces for key in self.find_delivery_id(each.delivery_id)}

    def find_delivery_id(self, key: bytes) -> set[bytes]:
        """Return the first fingerprints of what came under the delivery id with *key*."""
        return {found for found in self._sent.get(key, {}).values() if self.find(found)}

    def add(self, entry: Entry, trace: RetryKey | None) -> None:
        """Remember *entry*."""
        self.entries[entry.key] = entry
        self._aliases.pop(entry.key, None)
        if trace is not None:
            self._sent.setdefault(trace.delivery_id, {})[trace.content] = entry.key
        delivery = entry.delivery
        self._contents[delivery.body, delivery.delivery_id] = entry.key

    def _add_way(self, accept: Accept, entry: Entry) -> None:
        """Remember that *accept* repeats *entry*, for the retention."""
        self._contents[accept.delivery.body, accept.delivery.delivery_id] = entry.key
        if accept.key != entry.key:
            self._aliases[accept.key] = entry.key
            entry.remembered_since = self.clock() if entry.finished_at else None
