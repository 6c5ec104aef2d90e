"""The delivery log: what was sent where, each attempt and its result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Attempt", "AttemptKind", "Delivery", "Result", "State"]


class State(StrEnum):
    """What the sender thinks of a delivery."""

    PENDING = "pending"
    """An attempt is under way or due."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt has failed."""


class AttemptKind(StrEnum):
    """Why an attempt was made."""

    SCHEDULED = "scheduled"
    REPLAY = "replay"
    COPY = "copy"
    """By a fault: the sender knows nothing of it, and its answer changes nothing."""


class Result(NamedTuple):
    """What came of a request: a status with the outcome in its body, or a *problem*."""

    status: int | None
    outcome: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request; its *number* is that of the scheduled or replayed attempt."""

    number: int
    kind: AttemptKind
    fault: str
    began_at: datetime
    seconds: float
    result: Result


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery to one endpoint, with its attempts, the earliest first.

    *due_at* is the time of the next attempt, None where none is due. *body* is what is signed.
    """

    sequence: int
    id: str
    event: str
    url: str
    state: State
    created_at: datetime
    due_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    body: bytes = b""

    @property
    def last(self) -> Attempt | None:
        """The last attempt that the sender knows of."""
        known = [each for each in self.attempts if each.kind is not AttemptKind.COPY]
        return known[-1] if known else None
