"""Look at a queue the way an operator does: what waits, who works, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import rq
from rq.scheduler import RQScheduler

if TYPE_CHECKING:
    import redis

__all__ = ["QueueStatus", "WorkerStatus", "queue_status"]


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """Hold one worker that is alive: its *state* is idle, busy, started or suspended."""

    name: str
    state: str
    host: str
    pid: int
    last_heartbeat: datetime | None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Hold how one queue does.

    *waiting* jobs can be taken at once, the *oldest* since then; *scheduled* ones wait for their
    next attempt; *running* ones are in work; *dead* ones have failed for good. *scheduler* says
    whether there is one that brings the scheduled ones back.
    """

    name: str
    waiting: int
    oldest: datetime | None
    scheduled: int
    running: int
    dead: int
    workers: tuple[WorkerStatus, ...]
    scheduler: bool

    def problems(self) -> list[str]:
        """Give what is wrong, as sentences; nothing where all is well."""
        found: list[str] = []
        if (self.waiting or self.running) and not self.workers:
            count = self.waiting + self.running
            found.append(f"{_events(count)} to be done in queue {self.name}, and no worker runs")
        if self.scheduled and not self.scheduler:
            found.append(f"{_events(self.scheduled)} to be tried again, and no scheduler runs")
        if self.dead:
            found.append(f"{_events(self.dead)} dead in queue {self.name}")
        return found


def queue_status(client: redis.Redis, name: str) -> QueueStatus:
    """Look at the queue *name*; changes nothing, and reads no job that could hold a pickle."""
    # Any: rq leaves the types of these open.
    queue: Any = cast("Any", rq.Queue)(name, connection=client, serializer="json")
    return QueueStatus(
        name=name,
        waiting=queue.count,
        oldest=_oldest(client, queue),
        scheduled=queue.scheduled_job_registry.get_job_count(cleanup=False),
        running=queue.started_job_registry.get_job_count(cleanup=False),
        dead=queue.failed_job_registry.get_job_count(cleanup=False),
        workers=tuple(_workers(client, queue)),
        scheduler=bool(client.exists(RQScheduler.get_locking_key(name))),
    )


def _oldest(client: redis.Redis, queue: Any) -> datetime | None:  # Any: an rq.Queue.
    first = cast("bytes | None", client.lindex(queue.key, 0))
    if first is None:
        return None
    return _moment(client.hget(rq.job.Job.key_for(first.decode()), "enqueued_at"))


def _workers(client: redis.Redis, queue: Any) -> list[WorkerStatus]:  # Any: an rq.Queue.
    found: list[WorkerStatus] = []
    for key in sorted(cast("Any", rq.Worker).all_keys(queue=queue)):
        facts = cast("dict[bytes, bytes]", client.hgetall(key))
        if b"state" in facts:  # One that was killed leaves its name for a while, and no facts.
            told = {
                name.decode(): value.decode("utf-8", "replace") for name, value in facts.items()
            }
            beat = _moment(facts.get(b"last_heartbeat"))
            name = str(key).rpartition(":")[2]
            pid = int(told.get("pid") or 0)
            found.append(WorkerStatus(name, told["state"], told.get("hostname", ""), pid, beat))
    return found


def _moment(value: object) -> datetime | None:
    if not isinstance(value, bytes) or not value:
        return None
    return datetime.fromisoformat(value.decode()).astimezone(UTC)


def _events(count: int) -> str:
    return f"{count} event{'s' * (count != 1)} {'are' if count != 1 else 'is'}"
