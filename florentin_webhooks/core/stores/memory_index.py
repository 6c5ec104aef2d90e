"""What the store in memory knows of deliveries, and for how long.

Those that are finished are bytes in :mod:`florentin_webhooks.core.stores.memory_archive`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, NoReturn

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.memory_archive import FinishedDeliveries, SentContents
from florentin_webhooks.core.stores.memory_guards import MemoryGuards
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.core.stores.accept import Accept
    from florentin_webhooks.protocol.fingerprint import RetryKey

__all__ = ["Entry", "MemoryIndex"]


@dataclass(slots=True)
class Entry:
    """The state of one delivery that is not done.

    *key* is the first fingerprint, *later* those of retries with a new timestamp.
    """

    key: bytes
    trace: RetryKey | None
    expires_at: float
    body: bytes = b""
    token: bytes = b""
    attempt: int = 0
    lease_expires_at: float = 0
    state: State = State.RUNNING
    later: tuple[bytes, ...] = ()
    done: frozenset[str] = frozenset()


class MemoryIndex:
    """Up to *capacity* fingerprints, each for *retention* seconds."""

    def __init__(self, capacity: int, retention: float) -> None:
        self._capacity = capacity
        self._keep_for(retention)
        self._open: dict[bytes, Entry] = {}  # The first to expire comes first.
        self._aliases: dict[bytes, bytes] = {}  # Of open deliveries: their first fingerprints.
        self._finished = FinishedDeliveries()
        self._sent = SentContents()
        self._key_ids: set[str] = set()  # Of all deliveries ever: no others need be looked for.
        self._count = 0
        self._next_expiry = 0.0  # No record expires before.

    def _keep_for(self, retention: float) -> None:
        self._retention = retention
        self._guards = MemoryGuards(retention)

    def __len__(self) -> int:
        """Return the number of fingerprints that the store remembers."""
        return self._count

    def _sent_keys(self, accept: Accept) -> set[bytes]:
        """Return the first fingerprints that came under the delivery id."""
        traces = [trace for _, trace in accept.lookups if trace]
        return {key for each in traces for key in self._sent.first_keys(each[0]).values()}

    def _find(self, accept: Accept, now: float) -> bytes | None:
        """Return the first fingerprint of the delivery with any of its keys, or None."""
        if first := self._first_key(accept.key):
            return first
        for key, trace in accept.lookups:
            sent = self._sent.first_keys(trace.delivery_id).get(trace.content) if trace else None
            if first := self._first_key(key) or (sent and self._first_key(sent)):
                self._key_ids.add(accept.delivery.key_id)
                self._add_alias(accept.key, first, now)
                return first
        return None

    def _first_key(self, key: bytes) -> bytes | None:
        known = key if key in self._open else self._aliases.get(key)
        return known or self._finished.first_key(key)

    def _remember(self, accept: Accept, now: float) -> Entry:
        if self._count >= self._capacity:
            self._refuse()
        self._count += 1
        key, trace = accept.key, accept.trace
        self._key_ids.add(accept.delivery.key_id)
        record = self._open[key] = Entry(key, trace, now + self._retention)
        if trace is not None:
            self._sent.add(trace, key)
        return record

    def _add_alias(self, alias: bytes, first: bytes, now: float) -> None:
        # From now on these bytes are known, also under any other delivery id.
        if self._count >= self._capacity:
            self._refuse()
        self._count += 1
        record = self._open.get(first)
        if record is None:
            self._finished.add_alias(first, alias, now + self._retention)
            return
        self._aliases[alias] = first
        record.later += (alias,)
        self._extend(record, now)

    def _refuse(self) -> NoReturn:
        raise Unavailable(
            f"MemoryStore is full: it holds {self._count} deliveries that could still be replayed.",
            "Raise its capacity or use RedisStore.",
        )

    def _forget_aliases(self, record: Entry) -> None:
        for alias in record.later:
            del self._aliases[alias]

    def _extend(self, record: Entry, now: float) -> None:
        record.expires_at = now + self._retention
        self._open[record.key] = self._open.pop(record.key)  # The last to expire.

    def _drop_expired(self, now: float) -> None:
        """Drop what has expired, and find out when something else will."""
        for trace, fingerprints in self._expired(now):
            self._count -= fingerprints
            if trace:
                self._sent.remove(trace)
        next_open = next((each.expires_at for each in self._open.values()), None)
        expiries = (next_open, self._finished.next_expiry())
        latest = now + self._retention
        self._next_expiry = min((each for each in expiries if each is not None), default=latest)

    def _expired(self, now: float) -> Iterator[tuple[RetryKey | None, int]]:
        """Drop what has expired and yield the retry key and the number of fingerprints of each."""
        yield from self._finished.drop_expired(now)
        for record in list(takewhile(lambda each: each.expires_at <= now, self._open.values())):
            del self._open[record.key]
            self._forget_aliases(record)
            yield record.trace, 1 + len(record.later)
