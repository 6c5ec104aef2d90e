"""Counters and durations of deliveries and handlers, and their exposition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from florentin_webhooks.core.observer import Observer
from florentin_webhooks.prometheus.exposition import Exposition
from florentin_webhooks.prometheus.labels import BoundedLabel
from florentin_webhooks.prometheus.queues import QueueCollector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["Metrics"]

_PREFIX = "florentin_webhooks_"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_MOST_SERIES = 10_000

_Labels = tuple[str, ...]


class Metrics(Observer):
    """The metrics of *receivers*, which this registers itself with.

    They are in *registry*, the default one of prometheus-client where the program has no other.
    Where the environment has ``PROMETHEUS_MULTIPROC_DIR``, all processes of a machine share them.
    *buckets* are the limits of durations, in seconds.

    ``asgi`` and ``wsgi`` are programs that serve the metrics, at every path; ``write(accept)``
    returns content type and body, for a view of your own.
    """

    def __init__(
        self,
        *receivers: Receiver[object],
        registry: CollectorRegistry = REGISTRY,
        buckets: Sequence[float] = _BUCKETS,
    ) -> None:
        self._deliveries = Counter(
            f"{_PREFIX}deliveries",
            "Requests by their outcome.",
            ("receiver", "sender", "event", "secret", "outcome"),
            registry=registry,
        )
        self._durations = Histogram(
            f"{_PREFIX}delivery_duration_seconds",
            "Time from the first byte of the flow to the reply.",
            ("receiver", "outcome"),
            registry=registry,
            buckets=buckets,
        )
        self._attempts = Histogram(
            f"{_PREFIX}attempt_duration_seconds",
            "Time of an attempt of a handler.",
            ("receiver", "queue", "handler", "outcome"),
            registry=registry,
            buckets=buckets,
        )
        self._dead = Counter(
            f"{_PREFIX}dead_deliveries",
            "Deliveries whose last attempt has failed.",
            ("receiver", "queue"),
            registry=registry,
        )
        self._events, self._secrets = BoundedLabel(), BoundedLabel()
        # Finding a series by its labels takes as long as all the rest.
        self._delivery_series: dict[_Labels, tuple[Counter, Histogram]] = {}
        self._attempt_series: dict[_Labels, Histogram] = {}
        collector = QueueCollector(receivers)
        registry.register(collector)
        exposition = Exposition(registry, collector)
        self.write, self.asgi, self.wsgi = exposition.write, exposition.asgi, exposition.wsgi
        for receiver in receivers:
            receiver.observe(self)

    def accepted(self, report: DeliveryReport, /) -> None:
        """Count a delivery."""
        key = (report.receiver, report.sender, report.event, report.secret, report.outcome)
        series = self._delivery_series.get(key)
        if series is None:
            series = self._find_delivery(*key)
            if len(self._delivery_series) < _MOST_SERIES:
                self._delivery_series[key] = series
        counter, histogram = series
        counter.inc()
        if report.duration is not None:
            histogram.observe(report.duration)

    duplicate = refused = accepted

    def handled(self, report: AttemptReport, /) -> None:
        """Count an attempt."""
        key = (report.receiver, report.queue, report.handler, report.outcome)
        series = self._attempt_series.get(key)
        if series is None:
            series = self._attempt_series[key] = self._attempts.labels(*key)
        series.observe(report.duration)

    failed = handled

    def dead(self, report: DeadReport, /) -> None:
        """Count a dead delivery."""
        self._dead.labels(report.receiver, report.queue).inc()

    def _find_delivery(
        self, receiver: str, sender: str, event: str, secret: str, outcome: str
    ) -> tuple[Counter, Histogram]:
        event, secret = self._events.bound(event), self._secrets.bound(secret)
        counter = self._deliveries.labels(receiver, sender, event, secret, outcome)
        return counter, self._durations.labels(receiver, outcome)
