"""The port of a queue: jobs as values, and the protocol that builds them.

Free of any queueing library. The store pushes a job in the same atomic step that records the
delivery or the end of its inline handlers, so that nothing is recorded and not queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Job", "JobKeys", "MeasuredQueue", "Queue", "QueueFacts", "TracedQueue"]


class JobKeys(NamedTuple):
    """The keys of a job: its hash and results, its queue's list, and registries beside that."""

    hash: str
    results: str
    list: str
    failed: str
    intermediate: str
    scheduled: str


class Job(NamedTuple):
    """One queue's part of a delivery, ready to be pushed.

    *handlers* are the names of its handlers. *words* are the fields and values of the job's hash by
    turns, as the queueing library writes them: strings in MessagePack. *owner* is the receiver
    that may run it: its import path and its key ids, between blanks.
    """

    id: str
    queue: str
    handlers: tuple[str, ...]
    keys: JobKeys
    queues: str
    words: bytes
    owner: str = ""


class Queue(Protocol):
    """A builder of jobs for workers."""

    @property
    def name(self) -> str:
        """The queue of handlers that do not name another."""
        ...

    @property
    def receiver(self) -> str | None:
        """The import path of the receiver, where it is configured."""
        ...

    @property
    def timeout(self) -> int:
        """The time limit of a job, in seconds."""
        ...

    def job(self, receiver: str, fingerprint: str, queue: str, handlers: tuple[str, ...]) -> Job:
        """Return the job for *queue*'s part of the delivery *fingerprint*.

        *receiver* is the import path under which a worker finds the handlers.
        """
        ...


class QueueFacts(NamedTuple):
    """The jobs and the workers of the queue *name*, counted.

    *waiting* jobs can be taken at once, the *oldest* since then; *scheduled* ones wait for their
    next attempt, *running* ones have a worker, *dead* ones have failed for good. *scheduler*: a
    scheduler runs, which moves scheduled jobs back to the queue.
    """

    name: str
    waiting: int
    oldest: datetime | None
    scheduled: int
    running: int
    dead: int
    workers: int
    scheduler: bool


@runtime_checkable
class MeasuredQueue(Protocol):
    """A queue that can count what is in it; optional."""

    def measure(self, store: object, names: Sequence[str]) -> tuple[QueueFacts, ...]:
        """Return the facts of the queues *names*, which *store* pushes to.

        Raises :class:`~florentin_webhooks.errors.Unavailable` without an answer in time.
        """
        ...


@runtime_checkable
class TracedQueue(Protocol):
    """A queue whose jobs can carry the trace of their request; optional."""

    def with_trace(self, job: Job, trace: str) -> Job:
        """Return *job* with *trace*, a JSON object, for the worker's tracer."""
        ...
