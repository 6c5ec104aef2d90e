"""Operations of workers on jobs, and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import Operation

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.queue import Job

__all__ = [
    "ClaimJob",
    "CountLostJobs",
    "EnqueueScheduled",
    "IndexStates",
    "JobClaim",
    "JobDecision",
    "JobPage",
    "ListPendingJobs",
    "PendingJob",
    "RequeueLostJob",
]


class JobDecision(StrEnum):
    """What the worker with a job must do."""

    RUN = "run"
    BUSY = "busy"
    DONE = "done"
    GONE = "gone"
    FOREIGN = "foreign"
    """Of another program: leave it to that one's workers."""


class JobClaim(NamedTuple):
    """Answer to :class:`ClaimJob`; with RUN it holds the delivery.

    *expected* are the handlers that the part was queued for, *done* those that have ended. *event*
    is unsigned where the sender has it in a header. With FOREIGN, *attempt* is how often other
    programs' workers have had the job, *owner* its owner.
    """

    decision: JobDecision
    wait: float = 0
    attempt: int = 0
    body: bytes = b""
    delivery_id: str | None = None
    received_at: datetime | None = None
    secret: str = ""
    expected: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()
    key_id: str = ""
    owner: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class ClaimJob(Operation[JobClaim]):
    """Take the lease of one queue's part of a delivery, for *seconds*.

    Refused unless the owner of the job has one of *key_ids*; for a job of a version that recorded
    no owner, unless its path is ours.
    """

    key: bytes
    token: bytes
    part: Job
    seconds: float
    key_ids: tuple[str, ...] = ()
    is_path_ours: bool = True


@dataclass(frozen=True, slots=True)
class RequeueLostJob(Operation[str]):
    """Requeue *part* if its queue has lost it, or mark it dead if it has failed for good.

    Answers ``lost`` for a job that was requeued, ``dead``, ``gone`` (its record is lost),
    ``expired`` (a dead letter) or ``fine``, also for a job whose owner has none of *key_ids*.
    """

    key: bytes
    part: Job
    key_ids: tuple[str, ...] = ()


class PendingJob(NamedTuple):
    """The id of a job, and when it was pushed, in milliseconds."""

    pushed_at: int
    id: str


class JobPage(NamedTuple):
    """Some jobs, also none, and where the store stopped; None where it ended."""

    jobs: tuple[PendingJob, ...]
    following: PendingJob | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the jobs."""
        return tuple(job.id for job in self.jobs)


@dataclass(frozen=True, slots=True)
class EnqueueScheduled(Operation[int]):
    """Push those of *parts* now that wait for the time of their next attempt.

    Answers how many did. One that is due at this moment is left to the queue's scheduler, which
    may be about to push it.
    """

    key: bytes
    parts: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class ListPendingJobs(Operation[JobPage]):
    """List the ids of *queue*'s jobs that were pushed before *before*, the oldest first.

    A dead letter is not listed. The page comes *after* where the one before has stopped.
    """

    queue: str
    before: datetime
    after: PendingJob | None = None


@dataclass(frozen=True, slots=True)
class IndexStates(Operation[bool]):
    """Bring what lists of a state read up to date, in about *seconds*; answers whether it is."""

    seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class CountLostJobs(Operation[int]):
    """Count the jobs of *queue* whose records were found to be gone at *since* or later."""

    queue: str
    since: datetime
