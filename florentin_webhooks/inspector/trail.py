"""What this program has seen of deliveries, beside what their store remembers.

A store knows the present state of a delivery; the trail knows how it came about: every request, the
refused ones too, and every attempt of a handler. It is bounded, and ends with the process.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Lock
from time import time
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.observer import (
    AttemptReport,
    DeadReport,
    DeliveryReport,
    Observer,
)
from florentin_webhooks.inspector.header_capture import captured_headers
from florentin_webhooks.inspector.rates import KINDS, Rates
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.inspector.header_capture import MaskedHeaders

__all__ = ["Arrival", "Attempt", "Entry", "Story", "Trail", "TrailObserver"]

_MOST_STORIES = 2000
_MOST_NEW = 5000
_MOST_REFUSED = 500
_MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request and its answer; *number* counts those of the trail."""

    at: datetime
    report: DeliveryReport
    headers: MaskedHeaders = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt of a handler, which ended at *at*."""

    at: datetime
    report: AttemptReport


class Entry(NamedTuple):
    """One report, of any kind, at a time in seconds, with what the observer adds to it."""

    kind: str
    at: float
    report: DeliveryReport | AttemptReport | DeadReport
    headers: MaskedHeaders = ()


@dataclass(slots=True)
class Story:
    """The arrivals of one delivery and the attempts of its handlers, the newest last."""

    arrivals: deque[Arrival] = field(default_factory=lambda: deque(maxlen=_MOST_PARTS))
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=_MOST_PARTS))
    repeats: int = 0


class Trail:
    """A bounded record of arrivals and attempts, safe to use from any thread.

    Adding an entry is cheap, since each delivery pays for it. They are sorted when a page asks.
    """

    def __init__(self) -> None:
        self.rates = Rates()
        self.secrets: dict[tuple[str, str], datetime] = {}
        """When each secret of each receiver was last used."""
        self.version = 0
        """The number of the newest entry."""
        self._numbers = count(1)
        self._new: deque[tuple[int, Entry]] = deque(maxlen=_MOST_NEW)
        # Apart, so that a flood of these pushes nothing else out.
        self._new_refused: deque[tuple[int, Entry]] = deque(maxlen=_MOST_REFUSED)
        self._lock = Lock()
        self._stories: dict[str, Story] = {}
        self._refused: deque[Arrival] = deque(maxlen=_MOST_REFUSED)

    def add(self, entry: Entry) -> None:
        """Add one entry."""
        self.version = number = next(self._numbers)
        kind, at, _, _ = entry
        if kind in KINDS:
            self.rates.count(kind, at)
        (self._new_refused if kind == "refused" else self._new).append((number, entry))

    def settle(self) -> None:
        """Sort the entries that are new; called before a page is shown."""
        with self._lock:
            for new in (self._new, self._new_refused):
                while new:
                    self._sort(*new.popleft())

    def story(self, fingerprint: str) -> Story:
        """Return what is known of a delivery; an empty story if nothing is."""
        with self._lock:
            known = self._stories.get(fingerprint, Story())
            return Story(known.arrivals.copy(), known.attempts.copy(), known.repeats)

    def repeats(self, fingerprint: str) -> int:
        """Return how many duplicates of a delivery have come."""
        story = self._stories.get(fingerprint)
        return story.repeats if story else 0

    def refused(self) -> list[Arrival]:
        """Return the requests that were refused and not stored, the newest first."""
        with self._lock:
            return list(reversed(self._refused))

    def _sort(self, number: int, entry: Entry) -> None:
        at, report = datetime.fromtimestamp(entry.at, UTC), entry.report
        self.rates.measure(entry.kind, getattr(report, "duration", None))
        if isinstance(report, AttemptReport):
            self._story(report.fingerprint).attempts.append(Attempt(at, report))
        elif isinstance(report, DeliveryReport):
            self._add_arrival(entry.kind, Arrival(at, report, entry.headers, number))

    def _add_arrival(self, kind: str, arrival: Arrival) -> None:
        report = arrival.report
        if report.secret:
            self.secrets[report.receiver, report.secret] = arrival.at
        if not report.fingerprint:
            self._refused.append(arrival)
            return
        story = self._story(report.fingerprint)
        story.arrivals.append(arrival)
        story.repeats += kind == "duplicate"

    def _story(self, fingerprint: str) -> Story:
        story = self._stories.get(fingerprint)
        if story is None:
            story = self._stories[fingerprint] = Story()
            if len(self._stories) > _MOST_STORIES:
                del self._stories[next(iter(self._stories))]
        return story


class TrailObserver(Observer):
    """An observer that passes each report to *sink*, where asked with the texts of errors."""

    def __init__(self, sink: Callable[[Entry], None], *, error_text: bool = False) -> None:
        self._sink = sink
        self.reads_error_text = error_text

    def accepted(self, report: DeliveryReport, /) -> None:
        """Observe a genuine delivery."""
        self._sink(new_tuple(Entry, ("accepted", time(), report, captured_headers())))

    def duplicate(self, report: DeliveryReport, /) -> None:
        """Observe a duplicate."""
        self._sink(Entry("duplicate", time(), report, captured_headers()))

    def refused(self, report: DeliveryReport, /) -> None:
        """Observe a request that was refused."""
        self._sink(Entry("refused", time(), report, captured_headers()))

    def handled(self, report: AttemptReport, /) -> None:
        """Observe an attempt that did not fail."""
        self._sink(new_tuple(Entry, ("handled", time(), report, ())))

    def failed(self, report: AttemptReport, /) -> None:
        """Observe an attempt that failed."""
        self._sink(Entry("failed", time(), report))

    def dead(self, report: DeadReport, /) -> None:
        """Observe a delivery that is dead."""
        self._sink(Entry("dead", time(), report))
