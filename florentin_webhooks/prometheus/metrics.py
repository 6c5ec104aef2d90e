"""Counters and durations of deliveries and handlers, and their exposition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry

from florentin_webhooks.core.observer import Observer
from florentin_webhooks.prometheus.exposition import Exposition
from florentin_webhooks.prometheus.families import BUCKETS, Families
from florentin_webhooks.prometheus.labels import BoundedLabel
from florentin_webhooks.prometheus.queues import QueueCollector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import Counter, Histogram

    from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["Metrics"]

_MOST_SERIES = 10_000

_Labels = tuple[str, ...]


class Metrics(Observer):
    """The metrics of *receivers*, which this registers itself with.

    They are in *registry*, the default one of prometheus-client where the program has no other.
    Where the environment has ``PROMETHEUS_MULTIPROC_DIR``, all processes of a machine share them.
    *buckets* are the limits of durations, in seconds. Raises :class:`ConfigurationError` for a
    registry that has the metrics of other receivers.

    ``asgi`` and ``wsgi`` are programs that serve the metrics, at every path; ``write(accept)``
    returns content type and body, for a view of your own.
    """

    def __init__(
        self,
        *receivers: Receiver[object],
        registry: CollectorRegistry = REGISTRY,
        buckets: Sequence[float] = BUCKETS,
    ) -> None:
        self._families = Families.create(registry, buckets)
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
        receiver, sender, outcome, duration, event, _, secret, _, _, _ = report
        key = (receiver, sender, event, secret, outcome)
        series = self._delivery_series.get(key)
        if series is None:
            series = self._find_delivery(*key)
            if len(self._delivery_series) < _MOST_SERIES:
                self._delivery_series[key] = series
        counter, histogram = series
        counter.inc()
        if duration is not None:
            histogram.observe(duration)

    duplicate = refused = accepted

    def handled(self, report: AttemptReport, /) -> None:
        """Count an attempt."""
        # Items of a list share a series: their places are many.
        receiver, _, _, _, handler, queue, _, outcome, duration, _, _, _, _ = report
        name = handler.partition("[")[0] if handler.endswith("]") else handler
        key = (receiver, queue, name, outcome)
        series = self._attempt_series.get(key)
        if series is None:
            series = self._attempt_series[key] = self._families.attempt_seconds.labels(*key)
        series.observe(duration)

    failed = handled

    def dead(self, report: DeadReport, /) -> None:
        """Count a dead delivery."""
        self._families.dead.labels(report.receiver, report.queue).inc()

    def _find_delivery(
        self, receiver: str, sender: str, event: str, secret: str, outcome: str
    ) -> tuple[Counter, Histogram]:
        event, secret = self._events.bound(event), self._secrets.bound(secret)
        counter = self._families.deliveries.labels(receiver, sender, event, secret, outcome)
        return counter, self._families.delivery_seconds.labels(receiver, outcome)
