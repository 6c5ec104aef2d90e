"""A bounded cache of what was looked up for requests, by the values that the look-up has read."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from florentin_webhooks.core.tenants.request import Request

__all__ = ["LookupCache"]

V = TypeVar("V")

CAPACITY = 1000
"""The most requests of different tenants that are remembered."""
KEPT = 60.0
"""Seconds after which secrets are looked up again, so that a revoked one ends."""
PAUSE = 1.0
"""The fewest seconds between two look-ups for the same values after a wrong signature."""


class _Entry(NamedTuple, Generic[V]):
    value: V
    until: float
    read_at: float


class LookupCache(Generic[V]):
    """The latest look-ups, by *clock*, a monotonic one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: OrderedDict[Hashable, _Entry[V]] = OrderedDict()
        self._reads: tuple[tuple[str, str], ...] = ()
        self._lock = Lock()

    def find(self, request: Request) -> V | None:
        """Return what was found for *request*, None without a look-up that is recent enough."""
        key = request.values(self._reads)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or self._clock() >= entry.until:
                return None
            self._entries.move_to_end(key)
            return entry.value

    def add(self, request: Request, value: V, *, is_known: bool) -> None:
        """Remember *value*, found for the values that were read of *request*.

        That there are no secrets is forgotten soon: a new tenant need not wait.
        """
        now = self._clock()
        with self._lock:
            self._reads = tuple(dict.fromkeys((*self._reads, *sorted(request.reads))))
            entry = _Entry(value, now + (KEPT if is_known else PAUSE), now)
            self._entries[request.values(self._reads)] = entry
            while len(self._entries) > CAPACITY:
                self._entries.popitem(last=False)

    def claim_refresh(self, request: Request) -> bool:
        """Return whether the caller may look *request* up again; others then wait for a second."""
        key, now = request.values(self._reads), self._clock()
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return True
            if now - entry.read_at < PAUSE:
                return False
            self._entries[key] = entry._replace(read_at=now)
            return True
