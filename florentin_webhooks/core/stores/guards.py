"""What runs once, or only for the newest event: the operations and their answers."""

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
    """Name a step of what only one may do at a time."""

    BEGIN = "begin"
    DONE = "done"
    RELEASE = "release"


class GuardDecision(StrEnum):
    """Name what the one who asked may do."""

    RUN = "run"
    DONE = "done"
    SUPERSEDED = "superseded"
    BUSY = "busy"


class GuardGrant(NamedTuple):
    """Answer :class:`OnceContext` and :class:`Latest`; *wait*: the seconds of another's lease."""

    permission: GuardDecision
    wait: float = 0


@dataclass(frozen=True, slots=True)
class Once(Operation[GuardGrant]):
    """Let one run at a time do what is labelled, for *seconds*, until one has done it.

    Only who holds the lease of *part* (a queue's, or the inline one) gets in.
    """

    key: bytes
    label: str
    token: bytes
    step: GuardStep
    seconds: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class Latest(Operation[GuardGrant]):
    """Let only the newest event of one *entity* through, one at a time; equal times run.

    Nobody else gets in for *seconds*.
    """

    entity: bytes
    timestamp: int
    token: bytes
    step: GuardStep
    seconds: float
