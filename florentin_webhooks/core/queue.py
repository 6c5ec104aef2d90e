"""The port of a queue: jobs as values, and the protocol that builds them.

Free of any queueing library. The store pushes a job in the same atomic step that records the
delivery or the end of its inline handlers, so that nothing is recorded and not queued.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["Job", "JobKeys", "Queue"]


class JobKeys(NamedTuple):
    """The keys of a job: its hash, its queue's list, and RQ's registries beside that list."""

    hash: str
    list: str
    failed: str
    intermediate: str
    scheduled: str


class Job(NamedTuple):
    """One queue's part of a delivery, ready to be pushed.

    *handlers* are the names of its handlers. *words* are the fields and values of the job's hash by
    turns, as the queueing library writes them: a JSON list of strings. *owner* is the receiver
    that may run it: its import path and its key ids, between blanks.
    """

    id: str
    queue: str
    handlers: tuple[str, ...]
    keys: JobKeys
    queues: str
    words: str
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
