"""The status of a queue for operators: its jobs, its workers, and its problems."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import rq

from florentin_webhooks.core.stores.jobs import CountLostJobs
from florentin_webhooks.redis.full_memory import is_full
from florentin_webhooks.rq.measure import measure_queues
from florentin_webhooks.rq.serializer import SERIALIZER_OPTION, count_unreadable, count_unstarted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import redis

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.redis.store import RedisStore

__all__ = [
    "ProblemKind",
    "QueueProblem",
    "QueueStatus",
    "WorkerStatus",
    "queue_status",
]

LOST_PERIOD = timedelta(hours=24)
"""How long a lost job counts as a problem of its queue."""
_MOST = 999
"""The last index of a list that is looked at."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A live worker; its *state* is idle, busy, started or suspended."""

    name: str
    state: str
    host: str
    pid: int
    last_heartbeat: datetime | None


class ProblemKind(StrEnum):
    """What a problem of a queue is about, by which a command chooses the remedy."""

    NO_WORKER = "no-worker"
    NO_SCHEDULER = "no-scheduler"
    FOREIGN = "foreign"
    OTHER_KEY = "other-key"
    DEAD = "dead"
    LOST = "lost"
    UNREADABLE = "unreadable"
    UNSTARTED = "unstarted"
    FULL = "full"


class QueueProblem(NamedTuple):
    """A problem of a queue in one sentence."""

    kind: ProblemKind
    message: str


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The jobs and workers of one queue.

    *waiting* jobs can be taken at once, the *oldest* since then; *scheduled* ones wait for their
    next attempt; *running* ones have a worker; *dead* ones have failed for good. *scheduler* is
    True if a scheduler runs, which moves scheduled jobs back to the queue. *foreign* counts the
    waiting and scheduled jobs of other programs by the import path of their receiver, among the
    first thousand of each; under *path*, the receiver's own, or one of its *siblings*, those of
    another secret. *lost* jobs were found without a record in the last 24 hours.
    *unreadable* jobs are dead because their worker does not read JSON; *unstarted* ones wait for a
    retry after a worker failed before their handlers began. *full*: Redis has used its memory up.
    """

    name: str
    waiting: int
    oldest: datetime | None
    scheduled: int
    running: int
    dead: int
    workers: tuple[WorkerStatus, ...]
    scheduler: bool
    unreadable: int = 0
    foreign: Mapping[str, int] = field(default_factory=dict[str, int])
    lost: int = 0
    path: str = ""
    unstarted: int = 0
    siblings: tuple[str, ...] = ()
    full: bool = False

    def problems(self) -> list[QueueProblem]:
        """Return the problems of the queue."""
        return [QueueProblem(kind, message) for kind, message in self._problems()]

    def _problems(self) -> Iterator[tuple[ProblemKind, str]]:
        if self.full:
            refused = "Redis is full: it refuses new events. Workers go on, and free its memory."
            yield ProblemKind.FULL, refused
        if (self.waiting or self.running) and not self.workers:
            count = self.waiting + self.running
            taken = f", {self.running} of them with a dead worker"
            waiting = (
                f"{_events(count)} waiting in queue {self.name}{taken if self.running else ''}"
            )
            yield ProblemKind.NO_WORKER, f"{waiting}, but no worker runs."
        if self.scheduled and not self.scheduler:
            scheduled = f"{_events(self.scheduled)} to be retried, but no scheduler runs."
            yield ProblemKind.NO_SCHEDULER, scheduled
        for path, count in self.foreign.items():
            yield self._foreign_problem(path, _jobs(count))
        if self.dead:
            yield ProblemKind.DEAD, f"{_events(self.dead)} dead in queue {self.name}."
        if self.lost:
            records = "its record is" if self.lost == 1 else "their records are"
            lost = f"{_events(self.lost)} lost in queue {self.name}: {records} gone."
            yield ProblemKind.LOST, lost
        if self.unreadable:
            dead = f"{_events(self.unreadable)} dead in queue {self.name}"
            remedy = f"because a worker does not read JSON. Start it with {SERIALIZER_OPTION}."
            yield ProblemKind.UNREADABLE, f"{dead} {remedy}"
        if self.unstarted:
            failed = f"A worker failed {_jobs(self.unstarted)} of queue {self.name}"
            cause = f"It may lack {SERIALIZER_OPTION}, or cannot import {self.path}."
            yield ProblemKind.UNSTARTED, f"{failed} before a handler began. {cause}"

    def _foreign_problem(self, path: str, jobs: str) -> tuple[ProblemKind, str]:
        if path in (self.path, *self.siblings):
            text = f"Queue {self.name} has {jobs} of {path} under another secret."
            return ProblemKind.OTHER_KEY, text
        return ProblemKind.FOREIGN, f"Queue {self.name} has {jobs} of another program, {path}."


def queue_status(
    client: redis.Redis,
    name: str,
    hooks: Receiver[object] | None = None,
    siblings: Sequence[Receiver[object]] = (),
) -> QueueStatus:
    """Return the status of the queue *name*; changes nothing, reads no job that may be a pickle.

    With *hooks*, lost jobs of its store are counted, and jobs that neither it nor one of its
    *siblings*, which share the queue, may run are foreign.
    """
    # Any: rq leaves the types of these open.
    queue: Any = cast("Any", rq.Queue)(name, connection=client, serializer="json")
    (facts,) = measure_queues(client, [name])
    return QueueStatus(
        name=name,
        waiting=facts.waiting,
        oldest=facts.oldest,
        scheduled=facts.scheduled,
        running=facts.running,
        dead=facts.dead,
        workers=tuple(_live_workers(client, queue)),
        scheduler=facts.scheduler,
        unreadable=count_unreadable(client, queue.failed_job_registry),
        foreign={} if hooks is None else _count_foreign(client, queue, [hooks, *siblings]),
        lost=0 if hooks is None else _count_lost(client, name, hooks),
        path="" if hooks is None else hooks.path,
        unstarted=0 if hooks is None else _count_unstarted(client, queue, hooks),
        siblings=tuple(each.path for each in siblings),
        full=is_full(client),
    )


def _count_foreign(
    client: redis.Redis,
    queue: Any,  # Any: an rq.Queue.
    receivers: Sequence[Receiver[object]],
) -> Mapping[str, int]:
    """Return the number of jobs of others than *receivers* by the path of their program."""
    server = cast("Any", client)  # Any: redis-py leaves its types open.
    jobs: list[bytes] = server.lrange(queue.key, 0, _MOST)
    jobs += server.zrange(queue.scheduled_job_registry.key, 0, _MOST)
    store = cast("RedisStore", receivers[0].store).with_client(client)
    pipeline = server.pipeline(transaction=False)
    for job in jobs:
        pipeline.hget(store.record_key(job.decode()[:32]), "p")
    owners = [(owner or b"").decode() for owner in pipeline.execute()]
    foreign = (
        owner
        for owner in owners
        if not any(each.identity.owns(owner, each.path) for each in receivers)
    )
    return Counter(owner.partition(" ")[0] for owner in foreign)


def _count_unstarted(client: redis.Redis, queue: Any, hooks: Receiver[object]) -> int:
    registry = queue.scheduled_job_registry
    return count_unstarted(client, registry, cast("RedisStore", hooks.store).with_client(client))


def _count_lost(client: redis.Redis, name: str, hooks: Receiver[object]) -> int:
    store = cast("RedisStore", hooks.store).with_client(client)
    return store.execute(CountLostJobs(name, datetime.now(UTC) - LOST_PERIOD))


def _live_workers(client: redis.Redis, queue: Any) -> list[WorkerStatus]:  # Any: an rq.Queue.
    found: list[WorkerStatus] = []
    for key in sorted(cast("Any", rq.Worker).all_keys(queue=queue)):
        fields = cast("dict[bytes, bytes]", client.hgetall(key))
        if b"state" in fields:  # A killed worker leaves its name for a while, but no fields.
            found.append(_worker_status(str(key).rpartition(":")[2], fields))
    return found


def _worker_status(name: str, fields: Mapping[bytes, bytes]) -> WorkerStatus:
    words = {field.decode(): value.decode("utf-8", "replace") for field, value in fields.items()}
    beat = _parse_time(fields.get(b"last_heartbeat"))
    pid = int(words.get("pid") or 0)
    return WorkerStatus(name, words["state"], words.get("hostname", ""), pid, beat)


def _parse_time(value: object) -> datetime | None:
    if not isinstance(value, bytes) or not value:
        return None
    return datetime.fromisoformat(value.decode()).astimezone(UTC)


def _events(count: int) -> str:
    return f"{count} event{'s' * (count != 1)} {'are' if count != 1 else 'is'}"


def _jobs(count: int) -> str:
    return f"{count} job{'s' * (count != 1)}"
