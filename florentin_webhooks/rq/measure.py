"""Count the jobs and workers of queues in two round trips, for metrics and health checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import rq
from rq.job import Job
from rq.scheduler import RQScheduler
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from florentin_webhooks.core.queue import QueueFacts

if TYPE_CHECKING:
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["measure_all", "measure_queues", "merge_facts", "oldest_of", "sum_of"]

_COUNTS = 7
"""The answers that each queue needs."""


def measure_queues(client: Any, names: Sequence[str]) -> tuple[QueueFacts, ...]:
    """Return the facts of the queues *names*; reads no job but for its time, changes nothing."""
    # Any: redis and rq leave their types open, also below.
    pipeline = client.pipeline(transaction=False)
    for name in names:
        _ask(pipeline, cast("Any", rq.Queue)(name, connection=client, serializer="json"))
    answers = pipeline.execute()
    counted = [answers[n : n + _COUNTS] for n in range(0, len(answers), _COUNTS)]
    for _, first, *_, workers, _ in counted:
        pipeline.hget(Job.key_for((first or b"").decode()), "enqueued_at")
        for worker in workers:
            pipeline.hexists(worker, "state")  # A killed worker leaves its name, but no fields.
    details = iter(pipeline.execute())
    return tuple(
        _to_facts(name, counts, details) for name, counts in zip(names, counted, strict=True)
    )


def _ask(pipeline: Any, queue: Any) -> None:
    pipeline.llen(queue.key)
    pipeline.lindex(queue.key, 0)
    pipeline.zcard(queue.scheduled_job_registry.key)
    pipeline.zcard(queue.started_job_registry.key)
    pipeline.zcard(queue.failed_job_registry.key)
    pipeline.smembers(WORKERS_BY_QUEUE_KEY % queue.name)
    pipeline.exists(RQScheduler.get_locking_key(queue.name))


def _to_facts(name: str, counts: Sequence[Any], details: Any) -> QueueFacts:
    waiting, _, scheduled, running, dead, workers, scheduler = counts
    time = next(details)
    oldest = datetime.fromisoformat(time.decode()).astimezone(UTC) if time else None
    alive = sum(bool(next(details)) for _ in workers)
    return QueueFacts(name, waiting, oldest, scheduled, running, dead, alive, bool(scheduler))


def measure_all(store: RedisStore, names: Sequence[str]) -> tuple[QueueFacts, ...]:
    """Return the facts of the queues *names* of *store*; raises :class:`Unavailable`."""
    found = store.ask_queues(lambda client: measure_queues(client, names))
    return tuple(merge_facts(facts) for facts in zip(*found, strict=True))


def merge_facts(facts: Sequence[QueueFacts]) -> QueueFacts:
    """Return the facts of one queue from those of its lanes."""
    if len(facts) == 1:
        return facts[0]
    return facts[0]._replace(
        waiting=sum_of(facts, "waiting"),
        oldest=oldest_of(each.oldest for each in facts),
        scheduled=sum_of(facts, "scheduled"),
        running=sum_of(facts, "running"),
        dead=sum_of(facts, "dead"),
        workers=max(each.workers for each in facts),  # Each works on all lanes.
        scheduler=all(each.scheduler for each in facts),
    )


def sum_of(found: Sequence[Any], field: str) -> int:  # Any: values with that field.
    """Return the sum of one *field*."""
    return sum(getattr(each, field) for each in found)


def oldest_of(times: Iterable[datetime | None]) -> datetime | None:
    """Return the first of *times*, of which some may be missing."""
    return min((time for time in times if time is not None), default=None)
