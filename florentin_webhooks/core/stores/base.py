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

from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from datetime import timedelta


__all__ = [
    "Operation",
    "State",
    "Store",
]

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


class Operation(Generic[A]):
    """Be one atomic step of a store; *A* is the type of its answer.

    Nobody changes one. Those that every delivery needs are not frozen, since a frozen dataclass
    takes four times as long to make.
    """

    __slots__ = ()


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
    def supports_jobs(self) -> bool:
        """Whether it can push jobs in the step that remembers a delivery."""
        ...

    @property
    def supports_transactions(self) -> bool:
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
