"""Count the jobs and workers of queues in two round trips, for metrics and health checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import rq
from rq.job import Job
from rq.scheduler import RQScheduler
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from florentin_webhooks.core.queue import QueueFacts

__all__ = ["measure_queues"]

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
