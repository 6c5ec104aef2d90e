"""What the people who run a receiver ask its store: what came, what became of it, do it again."""

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
    """Hold what is remembered of one delivery.

    *handlers* maps each handler that has ended to how; *waiting* each queue to the handlers it was
    queued for; *reasons* each queue to its last failure. *body* is empty where it was let go.
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


@dataclass(frozen=True, slots=True)
class GetRecord(Operation["Record | None"]):
    """Look one delivery up."""

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
    """Give the fingerprints, in hex, that begin with *prefix*: *limit* of them at most."""

    prefix: str
    limit: int = 2


class DeadLetter(NamedTuple):
    """Hold one queue's part of a delivery that has failed for good; no *queue*: the receiver's."""

    fingerprint: str
    queue: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class ListDeadLetters(Operation["tuple[DeadLetter, ...]"]):
    """List the parts that have failed for good, until *until*, the oldest first."""

    until: datetime | None = None
    limit: int = 1000


class ResetMode(StrEnum):
    """Name what becomes of a delivery that is opened again."""

    ALL = "all"
    """Every handler may run again."""
    DROP = "drop"
    """None will: it counts as done."""


@dataclass(frozen=True, slots=True)
class ResetRecord(Operation["State | None"]):
    """Make an ended delivery runnable again, or drop it; answers the state that it was in."""

    key: bytes
    mode: ResetMode
    jobs: tuple[Job, ...] = ()


def body_of(record: Record) -> object:
    """Give the body as JSON; where it is none, as text."""
    try:
        return json.loads(record.body)
    except ValueError:
        return record.body.decode("utf-8", "replace")
