"""Operations of operators: inspect, replay and discard remembered deliveries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import Operation, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.core.queue import Job

__all__ = [
    "DeadLetter",
    "FindFingerprints",
    "GetRecord",
    "ListDeadLetters",
    "ListRecords",
    "Record",
    "ResetMode",
    "ResetRecord",
    "body_of",
]


@dataclass(frozen=True, slots=True)
class Record:
    """What a store remembers of one delivery.

    *handlers* maps each finished handler to its outcome; *waiting* maps each queue to the handlers
    queued for it; *reasons* maps each queue to its last failure. *body* is empty once it is
    deleted. *key_id* is that of the secret that signed, empty in records of versions before 0.2;
    *owner* is that of the jobs, see :class:`Job`.
    """

    fingerprint: str
    state: State
    event: str = ""
    delivery_id: str | None = None
    received_at: datetime | None = None
    finished_at: datetime | None = None
    secret: str = ""
    attempt: int = 0
    handlers: Mapping[str, str] = field(default_factory=dict[str, str])
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    attempts: Mapping[str, int] = field(default_factory=dict[str, int])
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    key_id: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class GetRecord(Operation["Record | None"]):
    """Return the record of one delivery, or None."""

    key: bytes


@dataclass(frozen=True, slots=True)
class ListRecords(Operation["tuple[Record, ...]"]):
    """List deliveries, newest first, received between *since* and *until*, with their *bodies*."""

    limit: int = 50
    state: State | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    bodies: bool = True


@dataclass(frozen=True, slots=True)
class FindFingerprints(Operation["tuple[str, ...]"]):
    """Find at most *limit* fingerprints, in hex, that begin with *prefix*."""

    prefix: str
    limit: int = 2


class DeadLetter(NamedTuple):
    """One queue's part of a delivery that has failed for good; no *queue*: the receiver's."""

    fingerprint: str
    queue: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class ListDeadLetters(Operation["tuple[DeadLetter, ...]"]):
    """List the parts that have failed for good, until *until*, the oldest first."""

    until: datetime | None = None
    limit: int = 1000


class ResetMode(StrEnum):
    """How a finished delivery is reset."""

    ALL = "all"
    """Every handler may run again."""
    DROP = "drop"
    """None may: it counts as done."""


@dataclass(frozen=True, slots=True)
class ResetRecord(Operation["State | None"]):
    """Make a finished delivery runnable again, or drop it; answers the state before."""

    key: bytes
    mode: ResetMode
    jobs: tuple[Job, ...] = ()


def body_of(record: Record) -> object:
    """Return the body as JSON, or as text if it is not JSON."""
    try:
        return json.loads(record.body)
    except ValueError:
        return record.body.decode("utf-8", "replace")
