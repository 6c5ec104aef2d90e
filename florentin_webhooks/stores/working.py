"""What those who run handlers ask a store, beyond accepting: workers, and handlers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.stores import Operation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from florentin_webhooks.queues import Job
    from florentin_webhooks.stores import Finish, State

__all__ = [
    "Begin",
    "Effect",
    "Effected",
    "Latest",
    "Once",
    "Permission",
    "Permit",
    "Step",
    "Sweep",
    "Waiting",
    "Work",
    "WorkVerdict",
]


class WorkVerdict(StrEnum):
    """Name what the worker that holds a job has to do."""

    RUN = "run"
    BUSY = "busy"
    DONE = "done"
    GONE = "gone"


class Work(NamedTuple):
    """Answer :class:`Begin`; with RUN comes all that is known of the delivery.

    *expected* are the handlers that the part was queued for, *done* those that have ended.
    """

    verdict: WorkVerdict
    wait: float = 0
    attempt: int = 0
    body: bytes = b""
    delivery_id: str | None = None
    received_at: datetime | None = None
    secret: str = ""
    expected: tuple[str, ...] = ()
    done: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Begin(Operation[Work]):
    """Take the lease of one queue's part of a delivery, for *seconds*."""

    key: bytes
    token: bytes
    part: Job
    seconds: float


@dataclass(frozen=True, slots=True)
class Sweep(Operation[str]):
    """Put *part* back if its queue has lost it, or note that it has failed for good.

    Answers ``lost`` for a job that was put back, ``dead``, ``gone`` or ``fine``.
    """

    key: bytes
    part: Job


@dataclass(frozen=True, slots=True)
class Waiting(Operation["tuple[str, ...]"]):
    """Give the ids of *queue*'s jobs that were pushed before *before*, the oldest first."""

    queue: str
    before: datetime


class Step(StrEnum):
    """Name a step of what only one may do at a time."""

    BEGIN = "begin"
    DONE = "done"
    RELEASE = "release"


class Permission(StrEnum):
    """Name what the one who asked may do."""

    RUN = "run"
    DONE = "done"
    SUPERSEDED = "superseded"
    BUSY = "busy"


class Permit(NamedTuple):
    """Answer :class:`Once` and :class:`Latest`; *wait*: the seconds of another's lease."""

    permission: Permission
    wait: float = 0


@dataclass(frozen=True, slots=True)
class Once(Operation[Permit]):
    """Let one run at a time do what is labelled, for *seconds*, until one has done it.

    Only who holds the lease of *part* (a queue's, or the inline one) gets in.
    """

    key: bytes
    label: str
    token: bytes
    step: Step
    seconds: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class Latest(Operation[Permit]):
    """Let only the newest event of one *entity* through, one at a time; equal times run.

    Nobody else gets in for *seconds*.
    """

    entity: bytes
    timestamp: int
    token: bytes
    step: Step
    seconds: float


class Effected(NamedTuple):
    """Answer :class:`Effect`: what was raised, and the state in which the record was left.

    Where something was raised, or the state is LOST, nothing has happened.
    """

    error: BaseException | None
    state: State


@dataclass(frozen=True, slots=True)
class Effect(Operation[Effected]):
    """Run a handler and record its end in one transaction of a store that has *transactions*.

    *call* gives what the handler raised, or None. Then *also* and *finish* are carried out and all
    of it is committed, or nothing: also where *finish* answers LOST. A commit that the handler's
    own changes make impossible counts as raised by the handler.
    """

    call: Callable[[], BaseException | None]
    finish: Finish
    also: tuple[Latest, ...] = ()
