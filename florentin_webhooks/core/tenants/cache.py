"""A bounded cache of what was looked up for requests, by the values that the look-up has read.

Requests that agree in these values share one look-up, also while it runs: after a rotation, the
deliveries that arrive together are all signed with the secret that the first of them fetches.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from florentin_webhooks.core.tenants.request import Request

__all__ = ["LookupCache", "LookupClaim"]

V = TypeVar("V")

CAPACITY = 1000
"""The most requests of different tenants that are remembered."""
KEPT = 60.0
"""Seconds after which secrets are looked up again, so that a revoked one ends."""
PAUSE = 1.0
"""The fewest seconds between two look-ups for the same values after a wrong signature."""
MOST_READS = 32
"""The most values that requests are compared by; a look-up that reads others is not remembered."""
LONGEST = 10.0
"""Seconds after which a look-up has ended for sure, unless a fork has lost it."""


class LookupClaim(NamedTuple):
    """A look-up at *key*, which the caller performs if it *is_mine*; *ended* when it has ended."""

    key: Hashable
    ended: Future[None]
    until: float
    is_mine: bool = True


class _Entry(NamedTuple, Generic[V]):
    value: V
    until: float
    read_at: float


class LookupCache(Generic[V]):
    """The latest look-ups, by *clock*, a monotonic one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: OrderedDict[Hashable, _Entry[V]] = OrderedDict()
        self._claims: dict[Hashable, LookupClaim] = {}
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
            reads = tuple(dict.fromkeys((*self._reads, *sorted(request.reads))))
            if len(reads) > MOST_READS:
                return
            self._reads = reads
            entry = _Entry(value, now + (KEPT if is_known else PAUSE), now)
            self._entries[request.values(reads)] = entry
            while len(self._entries) > CAPACITY:
                self._entries.popitem(last=False)

    def claim(self, request: Request, outdated: V | None) -> LookupClaim | None:
        """Return the look-up for *request* that is running, or the right to start one.

        In place of *outdated*, None where the last look-up was less than a second ago.
        """
        key, now = request.values(self._reads), self._clock()
        with self._lock:
            running = self._claims.get(key)
            if running is not None and now < running.until:
                return running._replace(is_mine=False)
            if outdated is not None and not self._claim_refresh(key, now):
                return None
            claim = self._claims[key] = LookupClaim(key, Future(), now + LONGEST)
            return claim

    def release(self, claim: LookupClaim) -> None:
        """End the look-up of *claim*, for which others may wait."""
        with self._lock:
            if self._claims.get(claim.key) is claim:
                del self._claims[claim.key]
        claim.ended.set_result(None)

    def _claim_refresh(self, key: Hashable, now: float) -> bool:
        entry = self._entries.get(key)
        if entry is None:
            return True
        if now - entry.read_at < PAUSE:
            return False
        self._entries[key] = entry._replace(read_at=now)
        return True
