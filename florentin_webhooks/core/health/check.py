"""What facts about a store and its queues mean for the health of a receiver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.queue import QueueFacts
from florentin_webhooks.core.spool import SpoolFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEFAULT_LIMITS", "Health", "HealthCheck", "HealthFacts", "HealthLimits", "judge"]


class HealthLimits(NamedTuple):
    """What is still healthy: the age of what waits longest, and the number of dead ones.

    *queue_age* is the limit for jobs, and for deliveries in the spool.
    """

    queue_age: timedelta = timedelta(minutes=10)
    dead: int = 0


DEFAULT_LIMITS = HealthLimits()

_KIB = 1024


class HealthCheck(NamedTuple):
    """One thing that was checked, in a sentence what was found, and what to do about it."""

    name: str
    ok: bool
    message: str
    hint: str = ""


class HealthFacts(NamedTuple):
    """What was found of a receiver; *store_error* is why its store does not answer.

    *store_hint* is what to do about it.
    """

    store_error: str | None = None
    queues: tuple[QueueFacts, ...] = ()
    spool: SpoolFacts | None = None
    store_hint: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a receiver: the store first, then its spool and each of its queues.

    *has_room*: its spool can take deliveries while the store does not answer.
    """

    checks: tuple[HealthCheck, ...]
    has_room: bool = False

    @property
    def ready(self) -> bool:
        """Whether deliveries can be accepted."""
        return self.has_room or all(each.ok for each in self.checks if each.name == "store")

    @property
    def ok(self) -> bool:
        """Whether all checks are fine."""
        return all(each.ok for each in self.checks)

    def to_json(self) -> bytes:
        """Return the checks as JSON."""
        checks = [{"name": n, "ok": ok, "message": text} for n, ok, text, _ in self.checks]
        fields = {"ok": self.ok, "ready": self.ready, "checks": checks}
        return json.dumps(fields, separators=(",", ":")).encode()


def judge(facts: HealthFacts, limits: HealthLimits, now: datetime) -> Health:
    """Return what *facts* mean at *now*."""
    error = facts.store_error
    store = HealthCheck("store", error is None, error or "The store answers.", facts.store_hint)
    spool = () if facts.spool is None else (_judge_spool(facts.spool, limits, now),)
    checks = (check for queue in facts.queues for check in _judge_queue(queue, limits, now))
    return Health((store, *spool, *checks), bool(facts.spool and facts.spool.has_room))


def _judge_spool(spool: SpoolFacts, limits: HealthLimits, now: datetime) -> HealthCheck:
    age = _age(spool.oldest, now)
    waits = f"{spool.waiting} waiting in the spool, the oldest for {age.total_seconds():.0f} s"
    usage = f"{spool.size // _KIB} of {spool.capacity // _KIB} KiB are used"
    is_well = spool.has_room and age <= limits.queue_age
    return HealthCheck("spool", is_well, spool.error or f"{waits}; {usage}.")


def _judge_queue(queue: QueueFacts, limits: HealthLimits, now: datetime) -> Iterator[HealthCheck]:
    name, age = queue.name, _age(queue.oldest, now)
    oldest = f", the oldest for {age.total_seconds():.0f} s" if queue.oldest else ""
    retries = "1 retry" if queue.scheduled == 1 else f"{queue.scheduled} retries"
    yield HealthCheck(
        f"queue-age:{name}",
        age <= limits.queue_age,
        f"{queue.waiting} waiting in queue {name}{oldest}.",
    )
    yield HealthCheck(
        f"workers:{name}",
        queue.workers > 0,
        f"{queue.workers} worker{'s' * (queue.workers != 1)} on queue {name}.",
    )
    runs = "runs" if queue.scheduler else "does not run"
    yield HealthCheck(
        f"scheduler:{name}",
        queue.scheduler or not queue.scheduled,
        f"{retries} in queue {name}; its scheduler {runs}.",
    )
    yield HealthCheck(
        f"dead:{name}", queue.dead <= limits.dead, f"{queue.dead} dead in queue {name}."
    )


def _age(oldest: datetime | None, now: datetime) -> timedelta:
    return max(now - oldest, timedelta()) if oldest else timedelta()
