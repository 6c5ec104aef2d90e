"""How many deliveries came in each minute of the last day, and how long the newest ones took."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["KINDS", "Percentiles", "Rates"]

KINDS = ("accepted", "refused", "failed")
"""What is counted; duplicates are neither."""

_MINUTES = 24 * 60
_MOST_DURATIONS = 1000
_ACCEPTING = frozenset({"accepted", "duplicate"})
_HANDLING = frozenset({"handled", "failed"})


class Percentiles(NamedTuple):
    """Percentiles of the newest durations, in seconds, and how many there are."""

    size: int
    median: float
    p95: float
    p99: float


class Rates:
    """Counts by minute, and durations of accepting and of handling."""

    def __init__(self) -> None:
        self._minutes: dict[int, Counter[str]] = {}
        self._accepting: deque[float] = deque(maxlen=_MOST_DURATIONS)
        self._handling: deque[float] = deque(maxlen=_MOST_DURATIONS)

    def count(self, kind: str, at: float) -> None:
        """Count one report at a time in seconds."""
        minute = int(at) // 60
        counter = self._minutes.get(minute)
        if counter is None:
            # Another thread may do the same at once.
            counter = self._minutes.setdefault(minute, Counter())
            for old in [each for each in tuple(self._minutes) if each <= minute - _MINUTES]:
                self._minutes.pop(old, None)
        counter[kind] += 1

    def measure(self, kind: str, duration: float | None) -> None:
        """Keep the *duration* of one report, in seconds."""
        if duration is not None and kind in _ACCEPTING:
            self._accepting.append(duration)
        elif duration is not None and kind in _HANDLING:
            self._handling.append(duration)

    def series(self, kind: str, buckets: int, minutes: int) -> list[int]:
        """Return the counts of the last *buckets* times *minutes*, the newest last."""
        now = int(datetime.now(UTC).timestamp()) // 60
        counts = [0] * buckets
        for minute, counter in list(self._minutes.items()):
            place = buckets - 1 - (now - minute) // minutes
            if 0 <= place < buckets:
                counts[place] += counter[kind]
        return counts

    @property
    def accepting(self) -> Percentiles | None:
        """How long it took to accept deliveries, inline handlers included."""
        return _percentiles(self._accepting)

    @property
    def handling(self) -> Percentiles | None:
        """How long attempts of handlers took."""
        return _percentiles(self._handling)


def _percentiles(durations: deque[float]) -> Percentiles | None:
    ordered = sorted(durations)
    if not ordered:
        return None
    last = len(ordered) - 1
    return Percentiles(len(ordered), *(ordered[round(last * share)] for share in (0.5, 0.95, 0.99)))
