"""What a store remembers and how it is asked: operations as values, and the protocol.

A store keeps one record per delivery, under the fingerprint of its signed body, and moves it
through these states:

::

    (unknown) ──accept──▶ running ──finish──▶ done        kept for the retention
        │                  ▲   │ ├─finish──▶ failed      may be retried
        │                  │   │ └─finish──▶ queued ───▶ done, or dead: may be revived
        │                  │   └─ the lease ends: whoever comes next takes over
        ├──accept, no inline handlers──────▶ queued
        ├──accept, too old─┼─▶ stale                      kept with its body
        └──accept, refused─┴─▶ invalid                    by its model; kept with its body

Whoever is told to RUN holds a lease, proven by the token of the request: every change after that
works with this token only, so that a second process, a late one, or a command that was sent twice
because its answer was lost never counts. The part of each queue has a lease of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from datetime import timedelta

    from florentin_webhooks.deliveries import Delivery
    from florentin_webhooks.identity import Trace
    from florentin_webhooks.queues import Job

__all__ = ["Accept", "Claim", "Ending", "Finish", "Operation", "State", "Store", "Verdict"]

A = TypeVar("A")


class State(StrEnum):
    """Name where a remembered delivery stands."""

    RUNNING = "running"
    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    STALE = "stale"
    INVALID = "invalid"
    LOST = "lost"
    """Not a state of the record: it belongs to somebody else by now, or is gone."""


class Verdict(StrEnum):
    """Name what the one who asked to accept a delivery has to do."""

    RUN = "run"
    QUEUED = "queued"
    ELSEWHERE = "elsewhere"
    """Dead under another fingerprint: ask again under that one, to revive it."""
    DUPLICATE = "duplicate"
    IN_PROGRESS = "in-progress"
    STALE = "stale"
    INVALID = "invalid"


class Operation(Generic[A]):
    """Be one atomic step of a store; *A* is the type of its answer.

    Nobody changes one. Those that every delivery needs are not frozen, since a frozen dataclass
    takes four times as long to make.
    """

    __slots__ = ()


class Claim(NamedTuple):
    """Answer :class:`Accept`.

    *key* is the delivery that counts: another one than asked for where the sender stamped a retry
    anew. *done* names the handlers that have finished before. *wait* is the rest of a lease that
    somebody else holds, in seconds. *id_reused*: the delivery id came with other content before.
    *id_changed*: this delivery came under another id before.
    """

    verdict: Verdict
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
    trace: Trace | None
    token: bytes
    delivery: Delivery
    fresh: bool
    valid: bool
    inline: bool = True
    jobs: tuple[Job, ...] = ()


class Ending(StrEnum):
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
    ending: Ending = Ending.DONE
    reason: str = ""
    part: Job | None = None
    jobs: tuple[Job, ...] = ()


class Store(Protocol):
    """Remember deliveries. Every operation is atomic, whoever else asks at the same time.

    Raises :class:`~florentin_webhooks.errors.Unavailable` within 2 seconds where it cannot answer.
    """

    @property
    def retention(self) -> timedelta:
        """How long a delivery that is done stays known."""
        ...

    @property
    def lease(self) -> timedelta:
        """How long the one who runs handlers has before somebody else may take over."""
        ...

    @property
    def queues(self) -> bool:
        """Whether it can push jobs in the step that remembers a delivery."""
        ...

    @property
    def transactions(self) -> bool:
        """Whether handlers can run in the transaction that records their end."""
        ...

    def execute(self, operation: Operation[A]) -> A:
        """Carry out *operation* from a blocking program."""
        ...

    async def aexecute(self, operation: Operation[A]) -> A:
        """Carry out *operation* from an asyncio program.

        The operation is on its way when this is first suspended: cancelling stops the waiting,
        not the operation.
        """
        ...

    def close(self) -> None:
        """Let go of what a blocking program holds open."""
        ...

    async def aclose(self) -> None:
        """Let go of what this event loop holds open."""
        ...
