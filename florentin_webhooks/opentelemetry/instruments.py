"""The instruments of deliveries, attempts and queues."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from florentin_webhooks.core.health import gather_facts
from florentin_webhooks.opentelemetry import attributes as names
from florentin_webhooks.opentelemetry.attributes import messaging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.metrics import CallbackOptions, Meter

    from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport
    from florentin_webhooks.core.queue import QueueFacts
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["Instruments"]

_STATES = ("waiting", "scheduled", "running", "dead")
_PREFIX = "florentin_webhooks."


class Instruments:
    """The instruments of *meter*; those of the queues of *receivers* are read at each export."""

    def __init__(self, meter: Meter, receivers: Sequence[Receiver[object]]) -> None:
        self._deliveries = meter.create_histogram(
            f"{_PREFIX}delivery.duration", "s", "Time from the verification to the reply."
        )
        self._refusals = meter.create_counter(
            f"{_PREFIX}refusals", "{request}", "Requests that were refused before they were read."
        )
        # By the semantic conventions.
        self._attempts = meter.create_histogram(
            "messaging.process.duration", "s", "Time of an attempt of a handler."
        )
        self._dead = meter.create_counter(
            f"{_PREFIX}dead_deliveries", "{delivery}", "Deliveries whose last attempt has failed."
        )
        self._receivers = receivers
        meter.create_observable_gauge(
            f"{_PREFIX}queue.jobs", [self._observe_jobs], "{job}", "Jobs of a queue by their state."
        )
        meter.create_observable_gauge(
            f"{_PREFIX}queue.oldest", [self._observe_age], "s", "Age of the oldest job that waits."
        )
        meter.create_observable_gauge(
            f"{_PREFIX}spool.deliveries",
            [self._observe_spools],
            "{delivery}",
            "Deliveries that wait in a spool.",
        )

    def count_delivery(self, report: DeliveryReport) -> None:
        """Count a delivery, or a request that was refused."""
        attributes = {
            names.RECEIVER: report.receiver,
            names.SENDER: report.sender,
            names.OUTCOME: report.outcome.value,
        }
        if report.duration is None:
            self._refusals.add(1, attributes)
        else:
            self._deliveries.record(report.duration, attributes)

    def count_attempt(self, report: AttemptReport) -> None:
        """Count an attempt of a handler."""
        handler = report.handler.partition("[")[0]  # Of a list, each item has its place.
        destination = report.queue or report.sender
        attributes = {
            **messaging("process", "process", destination),
            names.RECEIVER: report.receiver,
            names.HANDLER: handler,
            names.OUTCOME: str(report.outcome),
        }
        if report.error:
            attributes[names.ERROR_TYPE] = report.error
        self._attempts.record(report.duration, attributes)

    def count_dead(self, report: DeadReport) -> None:
        """Count a dead delivery."""
        self._dead.add(1, {names.RECEIVER: report.receiver, names.QUEUE: report.queue})

    def _observe_jobs(self, _: CallbackOptions) -> Iterator[Observation]:
        for queue in self._queues():
            for state in _STATES:
                attributes = {names.QUEUE: queue.name, f"{_PREFIX}state": state}
                yield Observation(getattr(queue, state), attributes)

    def _observe_age(self, _: CallbackOptions) -> Iterator[Observation]:
        now = datetime.now(UTC)
        for queue in self._queues():
            age = (now - queue.oldest).total_seconds() if queue.oldest else 0.0
            yield Observation(max(age, 0.0), {names.QUEUE: queue.name})

    def _observe_spools(self, _: CallbackOptions) -> Iterator[Observation]:
        for each in self._receivers:
            if each.spool is not None:
                attributes = {names.RECEIVER: each.reporter.receiver}
                yield Observation(each.spool.measure().waiting, attributes)

    def _queues(self) -> list[QueueFacts]:
        """Return the facts of each queue once; none of a store that does not answer."""
        facts = (queue for each in self._receivers for queue in gather_facts(each).queues)
        return list({queue.name: queue for queue in facts}.values())
