"""Gauges of queues and stores, which are read at each scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from florentin_webhooks.core.health import HealthFacts, gather_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.queue import QueueFacts
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["QueueCollector"]

_PREFIX = "florentin_webhooks_"
_STATES = ("waiting", "scheduled", "running", "dead")


class QueueCollector(Collector):
    """The gauges of *receivers*, each queue once; asks nothing until it is collected."""

    def __init__(self, receivers: Sequence[Receiver[object]]) -> None:
        self._receivers = receivers

    def describe(self) -> Iterable[Metric]:
        """Return the gauges without values, so that registering them asks no store."""
        return self._families([])

    def collect(self) -> Iterable[Metric]:
        """Return the gauges; those of a store that does not answer are left out, but one."""
        return self._families([(each, gather_facts(each)) for each in self._receivers])

    def _families(
        self, facts: Sequence[tuple[Receiver[object], HealthFacts]]
    ) -> Iterator[GaugeMetricFamily]:
        up = _gauge("store_up", "Whether the store of a receiver takes deliveries.", "receiver")
        for hooks, found in facts:
            up.add_metric([hooks.reporter.receiver], float(found.store_error is None))
        yield up
        yield from _spool_families(facts)
        queues = {queue.name: queue for _, found in facts for queue in found.queues}
        yield from _queue_families(queues.values())


def _spool_families(
    facts: Sequence[tuple[Receiver[object], HealthFacts]],
) -> Iterator[GaugeMetricFamily]:
    waiting = _gauge("spool_deliveries", "Deliveries that wait in a spool.", "receiver")
    age = _gauge("spool_oldest_seconds", "Age of the oldest one in a spool, or 0.", "receiver")
    size = _gauge("spool_bytes", "Bytes that are used in a spool.", "receiver")
    limit = _gauge("spool_limit_bytes", "The most bytes of a spool.", "receiver")
    now = datetime.now(UTC)
    for hooks, found in facts:
        if (spool := found.spool) is not None:
            label = [hooks.reporter.receiver]
            waiting.add_metric(label, spool.waiting)
            age.add_metric(label, _age(spool.oldest, now))
            size.add_metric(label, spool.size)
            limit.add_metric(label, spool.capacity)
    yield from (waiting, age, size, limit)


def _queue_families(queues: Iterable[QueueFacts]) -> Iterator[GaugeMetricFamily]:
    jobs = _gauge("queue_jobs", "Jobs of a queue by their state.", "queue", "state")
    age = _gauge("queue_oldest_seconds", "Age of the oldest job that waits, or 0.", "queue")
    workers = _gauge("queue_workers", "Live workers of a queue.", "queue")
    scheduler = _gauge("queue_scheduler_up", "Whether a scheduler moves retries back.", "queue")
    now = datetime.now(UTC)
    for queue in queues:
        for state in _STATES:
            jobs.add_metric([queue.name, state], getattr(queue, state))
        age.add_metric([queue.name], _age(queue.oldest, now))
        workers.add_metric([queue.name], queue.workers)
        scheduler.add_metric([queue.name], float(queue.scheduler))
    yield from (jobs, age, workers, scheduler)


def _age(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, labels=labels)
