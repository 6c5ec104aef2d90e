"""Operations that guard what runs once, or only for the newest event, and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from florentin_webhooks.core.stores.base import Operation

__all__ = [
    "GuardDecision",
    "GuardGrant",
    "GuardStep",
    "Latest",
    "Once",
]


class GuardStep(StrEnum):
    """Step of a guarded block."""

    BEGIN = "begin"
    DONE = "done"
    RELEASE = "release"


class GuardDecision(StrEnum):
    """Whether the caller may run the guarded block."""

    RUN = "run"
    DONE = "done"
    SUPERSEDED = "superseded"
    BUSY = "busy"


class GuardGrant(NamedTuple):
    """Answer to :class:`Once` and :class:`Latest`; *wait*: seconds of another run's lease."""

    decision: GuardDecision
    wait: float = 0


@dataclass(frozen=True, slots=True)
class Once(Operation[GuardGrant]):
    """Idempotency guard: one lease holder at a time, until the block has succeeded once.

    The guard expires after *seconds*. It requires the lease of *part*: a queue's, or the inline
    one.
    """

    key: bytes
    label: str
    token: bytes
    step: GuardStep
    seconds: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class Latest(Operation[GuardGrant]):
    """Order guard: only the newest event of one *entity* runs, one at a time.

    An event with an equal timestamp runs. The guard expires after *seconds*. *aliases* are the
    keys of the same entity under other key ids: none of their events may be newer. *group* is what
    all of these keys have in common, for a store that is spread over several servers.
    """

    entity: bytes
    timestamp: int
    token: bytes
    step: GuardStep
    seconds: float
    aliases: tuple[bytes, ...] = ()
    group: bytes = b""
