"""The store protocol: states of a record, and operations as values.

A store keeps one record per delivery, under the fingerprint of its signed body, and moves it
through these states:

::

    (unknown) ──accept──▶ running ──finish──▶ done        kept for the retention
        │                  ▲   │ ├─finish──▶ failed      may be retried
        │                  │   │ └─finish──▶ queued ───▶ done, or dead: may be revived
        │                  │   └─ the lease expires: the next attempt takes over
        ├──accept, no inline handlers──────▶ queued
        ├──accept, too old─┼─▶ stale                      kept with its body
        └──accept, refused─┴─▶ invalid                    by its model; kept with its body

The answer RUN grants a lease, which is bound to the token of the request. Every later change
requires this token, so a second process, a late one, or a command that was sent twice because its
answer was lost changes nothing. The part of each queue has a lease of its own.
"""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from datetime import timedelta


__all__ = [
    "NO_DELIVERY",
    "CheckedStore",
    "Operation",
    "PendingAnswer",
    "Pipeline",
    "PipeliningStore",
    "ProbedStore",
    "SendingStore",
    "State",
    "Store",
    "aexecute_again",
    "execute_again",
]

NO_DELIVERY = bytes(16)
"""A key that no delivery has, to ask a store whether it answers."""

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)

_PATIENCE = 4.0
"""Seconds: a restart of Redis takes two or three. Senders wait for 5 or more, servers for 15."""
_PAUSE = 0.2


class State(StrEnum):
    """State of a remembered delivery."""

    RUNNING = "running"
    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    STALE = "stale"
    INVALID = "invalid"
    LOST = "lost"
    """Not a state of a record: the lease has expired, or the record is deleted."""


class Operation(Generic[A]):
    """One atomic step of a store; *A* is the type of its answer.

    Never changed once created. Those that every delivery needs are not frozen, since a frozen
    dataclass takes four times as long to create.
    """

    __slots__ = ()


class Store(Protocol):
    """Memory of deliveries, whose operations are atomic across threads and processes.

    Raises :class:`~florentin_webhooks.errors.Unavailable` within 2 seconds if it cannot answer.
    One that never waits may have a true ``is_immediate``: asyncio programs then call ``execute``.
    """

    @property
    def retention(self) -> timedelta:
        """How long a finished delivery is remembered."""
        ...

    @property
    def lease(self) -> timedelta:
        """How long handlers may run before another attempt may take over."""
        ...

    @property
    def supports_jobs(self) -> bool:
        """Whether it can push jobs in the step that records a delivery."""
        ...

    @property
    def supports_transactions(self) -> bool:
        """Whether handlers can run in the transaction that records their end."""
        ...

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation* from a synchronous program."""
        ...

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation* from an asyncio program.

        The operation is sent before the first suspension: cancelling stops the waiting, not the
        operation.
        """
        ...

    def close(self) -> None:
        """Close the connections of synchronous programs."""
        ...

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        ...


class PendingAnswer(Protocol[A_co]):
    """The answer to come of an operation that was sent."""

    def done(self) -> bool:
        """Return whether it has arrived, or never will."""
        ...

    def __await__(self) -> Generator[Any, Any, A_co]:
        """Return the answer; raises :class:`Unavailable` without one in time."""
        ...


class Pipeline(Protocol):
    """What sends the operations of one run in order, in a synchronous program."""

    async def asend(self, operation: Operation[A]) -> PendingAnswer[A]:
        """Return once *operation* is on its way; suspends nowhere, and nor does the answer."""
        ...

    def close(self) -> None:
        """End it, also where an answer is pending."""
        ...


@runtime_checkable
class PipeliningStore(Protocol):
    """A store that synchronous programs need not wait for after each operation."""

    def open_pipeline(self) -> Pipeline | None:
        """Return a new pipeline, or None where the store has none."""
        ...


@runtime_checkable
class SendingStore(Protocol):
    """A store that can send an operation without waiting for its answer."""

    async def asend(self, operation: Operation[A]) -> PendingAnswer[A]:
        """Return once *operation* is on its way; those sent later are executed after it."""
        ...


@runtime_checkable
class CheckedStore(Protocol):
    """A store in a server that may be unfit for it."""

    def check_server(self) -> None:
        """Raise :class:`ConfigurationError` if it is; one that does not answer is not."""
        ...


@runtime_checkable
class ProbedStore(Protocol):
    """A store in servers, some of which may be away, or refuse to write."""

    def probe(self, *, writes: bool = False) -> None:
        """Raise :class:`Unavailable` unless one of them answers, and *writes* what it is given.

        Nothing is changed there.
        """
        ...


def execute_again(store: Store, operation: Operation[A], error: Unavailable) -> A:
    """Execute *operation*, which has met *error*, until *store* answers.

    For what records an effect, which is repeated if its record is missing. Stores bear to be asked
    twice. Raises :class:`Unavailable`: *error* if it does not pass, or that after a few seconds.
    """
    for pause in _pauses(error):
        time.sleep(pause)
        try:
            return store.execute(operation)
        except Unavailable as again:
            error = again
    raise error


async def aexecute_again(store: Store, operation: Operation[A], error: Unavailable) -> A:
    """Execute *operation* in an asyncio program, as :func:`execute_again` does."""
    for pause in _pauses(error):
        await asyncio.sleep(pause)
        try:
            return await store.aexecute(operation)
        except Unavailable as again:
            error = again
    raise error


def _pauses(error: Unavailable) -> Iterator[float]:
    end = time.monotonic() + _PATIENCE
    while error.may_pass and time.monotonic() < end:
        yield _PAUSE
