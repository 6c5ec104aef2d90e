"""What facts about a store and its queues mean for the health of a receiver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.queue import QueueFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEFAULT_LIMITS", "Health", "HealthCheck", "HealthFacts", "HealthLimits", "judge"]


class HealthLimits(NamedTuple):
    """What is still healthy: the age of the oldest waiting job, and the number of dead ones."""

    queue_age: timedelta = timedelta(minutes=10)
    dead: int = 0


DEFAULT_LIMITS = HealthLimits()


class HealthCheck(NamedTuple):
    """One thing that was checked, and in a sentence what was found."""

    name: str
    ok: bool
    message: str


class HealthFacts(NamedTuple):
    """What was found of a receiver; *store_error* is why its store does not answer."""

    store_error: str | None = None
    queues: tuple[QueueFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a receiver: the store first, then each of its queues."""

    checks: tuple[HealthCheck, ...]

    @property
    def ready(self) -> bool:
        """Whether deliveries can be accepted."""
        return all(each.ok for each in self.checks if each.name == "store")

    @property
    def ok(self) -> bool:
        """Whether all checks are fine."""
        return all(each.ok for each in self.checks)

    def to_json(self) -> bytes:
        """Return the checks as JSON."""
        checks = [each._asdict() for each in self.checks]
        fields = {"ok": self.ok, "ready": self.ready, "checks": checks}
        return json.dumps(fields, separators=(",", ":")).encode()


def judge(facts: HealthFacts, limits: HealthLimits, now: datetime) -> Health:
    """Return what *facts* mean at *now*."""
    error = facts.store_error
    store = HealthCheck("store", error is None, error or "The store answers.")
    checks = (check for queue in facts.queues for check in _judge_queue(queue, limits, now))
    return Health((store, *checks))


def _judge_queue(queue: QueueFacts, limits: HealthLimits, now: datetime) -> Iterator[HealthCheck]:
    name, age = queue.name, _age(queue, now)
    yield HealthCheck(
        f"queue-age:{name}",
        age <= limits.queue_age,
        f"{queue.waiting} waiting in queue {name}, the oldest for {age.total_seconds():.0f} s.",
    )
    yield HealthCheck(
        f"workers:{name}", queue.workers > 0, f"{queue.workers} workers on queue {name}."
    )
    runs = "runs" if queue.scheduler else "does not run"
    yield HealthCheck(
        f"scheduler:{name}",
        queue.scheduler or not queue.scheduled,
        f"{queue.scheduled} retries in queue {name}; its scheduler {runs}.",
    )
    yield HealthCheck(
        f"dead:{name}", queue.dead <= limits.dead, f"{queue.dead} dead in queue {name}."
    )


def _age(queue: QueueFacts, now: datetime) -> timedelta:
    return max(now - queue.oldest, timedelta()) if queue.oldest else timedelta()
