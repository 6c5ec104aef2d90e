"""Accepting a delivery and finishing its handlers: the operations and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import Operation, State

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.fingerprint import RetryKey

__all__ = [
    "Accept",
    "AcceptDecision",
    "Claim",
    "Finish",
    "HandlerOutcome",
]


class AcceptDecision(StrEnum):
    """Name what the one who asked to accept a delivery has to do."""

    RUN = "run"
    QUEUED = "queued"
    ELSEWHERE = "elsewhere"
    """Dead under another fingerprint: ask again under that one, to revive it."""
    DUPLICATE = "duplicate"
    IN_PROGRESS = "in-progress"
    STALE = "stale"
    INVALID = "invalid"


class Claim(NamedTuple):
    """Answer :class:`Accept`.

    *key* is the delivery that counts: another one than asked for where the sender stamped a retry
    anew. *done* names the handlers that have finished before. *wait* is the rest of a lease that
    somebody else holds, in seconds. *id_reused*: the delivery id came with other content before.
    *id_changed*: this delivery came under another id before.
    """

    verdict: AcceptDecision
    key: bytes
    attempt: int = 1
    wait: float = 0
    done: frozenset[str] = frozenset()
    id_reused: bool = False
    id_changed: bool = False


@dataclass(slots=True)
class Accept(Operation[Claim]):
    """Look a delivery up and take its lease or push its *jobs*: one atomic step.

    A delivery that is unknown and not *fresh* is recorded as stale; one that is not *valid*
    (its model refuses it) as invalid. Neither runs. Where handlers run *inline*, the jobs are
    pushed by the finish of the last of them.
    """

    key: bytes
    trace: RetryKey | None
    token: bytes
    delivery: Delivery
    fresh: bool
    valid: bool
    inline: bool = True
    jobs: tuple[Job, ...] = ()


class HandlerOutcome(StrEnum):
    """Name how a handler ended that need not run again."""

    DONE = "done"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"


@dataclass(slots=True)
class Finish(Operation[State]):
    """Record that *handler* has ended, where one is named, and move the delivery to *state*.

    RUNNING extends the lease for the next handler; QUEUED pushes *jobs*; DONE, FAILED and DEAD end
    the lease. *part* is the job whose handlers ran, None for inline ones. Answers the state that
    the record is in, or LOST where *token* no longer holds the lease.
    """

    key: bytes
    token: bytes
    state: State
    handler: str | None = None
    ending: HandlerOutcome = HandlerOutcome.DONE
    reason: str = ""
    part: Job | None = None
    jobs: tuple[Job, ...] = ()
