"""What the core knows of a queue: jobs as values, and the protocol that prepares them.

Knows no queueing library. A job is pushed by the store, in the same atomic step that remembers the
delivery or ends its inline handlers, so that nothing is remembered and not queued.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["Job", "JobKeys", "Queue"]


class JobKeys(NamedTuple):
    """Hold where a job stands: its hash, its queue's list, and what RQ has beside that list."""

    hash: str
    list: str
    failed: str
    intermediate: str
    scheduled: str


class Job(NamedTuple):
    """Hold one queue's part of a delivery, ready to be pushed.

    *handlers* are the names of those that the part consists of. *words* are the fields and values
    of the job's hash in turns, as the queueing library would write them: a JSON list of strings.
    """

    id: str
    queue: str
    handlers: tuple[str, ...]
    keys: JobKeys
    queues: str
    words: str


class Queue(Protocol):
    """Prepare jobs for workers."""

    @property
    def name(self) -> str:
        """The queue of handlers that name no other."""
        ...

    @property
    def receiver(self) -> str | None:
        """The import path of the receiver, where it was told."""
        ...

    @property
    def timeout(self) -> int:
        """How many seconds a job may take."""
        ...

    def job(self, receiver: str, fingerprint: str, queue: str, handlers: tuple[str, ...]) -> Job:
        """Give the job for *queue*'s part of the delivery *fingerprint*.

        *receiver* is the import path under which a worker finds the handlers.
        """
        ...
