"""Finished deliveries in memory, as bytes that the garbage collector never visits.

A store is asked about them for its retention, and most of what it remembers is finished. As objects
they would take three times the memory, and a full collection with 100,000 of them ten times as
long.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from florentin_webhooks.protocol.fingerprint import RetryKey

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FinishedDeliveries", "SentContents"]

_SIZE = 16
"""The bytes of a fingerprint, and of each half of a retry key."""

_HEAD = Struct("<d?")
"""When a delivery expires, and whether its retry key follows. Last come its later fingerprints."""


class FinishedDeliveries:
    """The fingerprints of finished deliveries, in the order of their expiry."""

    def __init__(self) -> None:
        self.packed: dict[bytes, bytes] = {}
        """What is remembered of each first fingerprint."""
        self.first_keys: dict[bytes, bytes] = {}
        """The first fingerprint of each other one."""
        # One fingerprint after the other: the collector would visit each item of a deque.
        self._order = bytearray()
        self._outdated: dict[bytes, int] = {}

    def first_key(self, key: bytes) -> bytes | None:
        """Return the first fingerprint of the finished delivery with *key*, or None."""
        return key if key in self.packed else self.first_keys.get(key)

    def add(
        self, key: bytes, trace: RetryKey | None, later: tuple[bytes, ...], expires_at: float
    ) -> None:
        """Add the delivery with the first fingerprint *key* and *later* ones."""
        packed = _HEAD.pack(expires_at, trace is not None)
        if trace is not None:
            packed += trace.delivery_id + trace.content
        self.packed[key] = packed + b"".join(later) if later else packed
        self._order += key
        for each in later:
            self.first_keys[each] = key

    def add_alias(self, key: bytes, alias: bytes, expires_at: float) -> None:
        """Add another fingerprint of the delivery *key*, which from now on expires later."""
        _, trace, later = _unpack(self.packed[key])
        self._outdated[key] = self._outdated.get(key, 0) + 1
        self.add(key, trace, (*later, alias), expires_at)

    def remove(self, key: bytes) -> tuple[RetryKey | None, tuple[bytes, ...]]:
        """Remove the delivery *key*; return its retry key and its later fingerprints."""
        _, trace, later = _unpack(self.packed.pop(key))
        self._outdated[key] = self._outdated.get(key, 0) + 1
        for each in later:
            del self.first_keys[each]
        return trace, later

    def drop_expired(self, now: float) -> Iterator[tuple[RetryKey | None, int]]:
        """Drop what has expired; yield the retry key and the number of fingerprints of each."""
        while (expires_at := self.next_expiry()) is not None and expires_at <= now:
            key = self._pop_first()
            _, trace, later = _unpack(self.packed.pop(key))
            for each in later:
                del self.first_keys[each]
            yield trace, 1 + len(later)

    def next_expiry(self) -> float | None:
        """Return when the next delivery expires."""
        while self._order and (outdated := self._outdated.pop(self._first(), 0)):
            key = self._pop_first()
            if outdated > 1:
                self._outdated[key] = outdated - 1
        return _unpack(self.packed[self._first()])[0] if self._order else None

    def _first(self) -> bytes:
        return bytes(self._order[:_SIZE])

    def _pop_first(self) -> bytes:
        key = self._first()
        del self._order[:_SIZE]  # Nothing is moved: a bytearray remembers where it begins.
        return key


class SentContents:
    """The contents that came under each delivery id, and the first fingerprint of each."""

    def __init__(self) -> None:
        self.packed: dict[bytes, bytes] = {}
        """The contents and fingerprints by turns."""

    def first_keys(self, delivery_id: bytes) -> dict[bytes, bytes]:
        """Return the first fingerprint of each content under *delivery_id*."""
        packed = self.packed.get(delivery_id, b"")
        pairs = range(0, len(packed), 2 * _SIZE)
        return {packed[at : at + _SIZE]: packed[at + _SIZE : at + 2 * _SIZE] for at in pairs}

    def add(self, trace: RetryKey, key: bytes) -> None:
        """Add the fingerprint *key* of the content of *trace*."""
        delivery_id, content = trace
        if delivery_id not in self.packed:
            self.packed[delivery_id] = content + key
        else:
            self._replace(delivery_id, self.first_keys(delivery_id) | {content: key})

    def remove(self, trace: RetryKey) -> None:
        """Remove the content of *trace*."""
        first_keys = self.first_keys(trace.delivery_id)
        first_keys.pop(trace.content, None)
        self._replace(trace.delivery_id, first_keys)

    def _replace(self, delivery_id: bytes, first_keys: dict[bytes, bytes]) -> None:
        self.packed[delivery_id] = b"".join(each for pair in first_keys.items() for each in pair)
        if not first_keys:
            del self.packed[delivery_id]


def _unpack(packed: bytes) -> tuple[float, RetryKey | None, tuple[bytes, ...]]:
    """Return when the delivery expires, its retry key, and its later fingerprints."""
    expires_at, has_trace = _HEAD.unpack_from(packed)
    parts = [packed[at : at + _SIZE] for at in range(_HEAD.size, len(packed), _SIZE)]
    if not has_trace:
        return expires_at, None, tuple(parts)
    return expires_at, RetryKey(parts[0], parts[1]), tuple(parts[2:])
