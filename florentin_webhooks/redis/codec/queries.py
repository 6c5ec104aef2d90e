"""Describe what operators ask as calls of scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Record,
    ResetRecord,
)
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, job_args, job_keys, script

__all__ = ["dead", "find", "list_", "reopen", "search"]

_LIST = script("list")
_FIND = script("find")
_REOPEN = script("reopen")
_SEARCH = script("search")
_DEAD = script("dead")


def find(layout: KeySchema, operation: GetRecord) -> ScriptCall:
    """Give the call that looks one delivery up."""

    def read(answer: Sequence[bytes]) -> Record | None:
        # What was once a retry, stamped anew, has nothing of its own but the way to the first.
        return _record(operation.key, answer) if b"s" in answer[::2] else None

    return ScriptCall(_FIND, (layout.record(operation.key),), (), read)


def list_(layout: KeySchema, operation: ListRecords) -> ScriptCall:
    """Give the call that lists deliveries."""
    arguments = (
        layout.records,
        _time(operation.until, "+inf"),
        _time(operation.since, "-inf"),
        operation.limit,
        operation.state.value if operation.state else "",
        operation.event or "",
        int(operation.bodies),
    )
    return ScriptCall(_LIST, (layout.log,), arguments, _records)


def search(layout: KeySchema, operation: FindFingerprints) -> ScriptCall:
    """Give the call that finds fingerprints by their beginning."""
    return ScriptCall(_SEARCH, (layout.log,), (operation.prefix, operation.limit), _fingerprints)


def dead(layout: KeySchema, operation: ListDeadLetters) -> ScriptCall:
    """Give the call that lists the jobs that have failed for good."""
    arguments = (_time(operation.until, "+inf"), operation.limit)
    return ScriptCall(_DEAD, (layout.dead,), arguments, _dead_jobs)


def reopen(layout: KeySchema, operation: ResetRecord) -> ScriptCall:
    """Give the call that makes a delivery runnable again, or drops it."""
    keys = (
        layout.record(operation.key),
        layout.log,
        layout.dead,
        *job_keys(layout, operation.jobs),
    )
    arguments = (
        operation.mode.value,
        operation.key,
        layout.retention,
        layout.keep,
        *job_args(operation.jobs),
    )
    return ScriptCall(_REOPEN, keys, arguments, _state_before)


def _fingerprints(answer: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(key.hex() for key in answer)


def _dead_jobs(answer: Sequence[bytes]) -> tuple[DeadLetter, ...]:
    pairs = zip(answer[::2], answer[1::2], strict=True)
    return tuple(
        DeadLetter(job.decode()[:32], job.decode()[33:], _at(float(died))) for job, died in pairs
    )


def _state_before(answer: bytes) -> State | None:
    return State(answer.decode()) if answer else None


def _records(answer: Sequence[tuple[bytes, Sequence[bytes]]]) -> tuple[Record, ...]:
    return tuple(_record(key, fields) for key, fields in answer)


def _record(key: bytes, words: Sequence[bytes]) -> Record:
    facts = dict(zip(words[::2], words[1::2], strict=True))
    return Record(
        fingerprint=key.hex(),
        state=State(facts[b"s"].decode()),
        event=facts.get(b"e", b"").decode(),
        delivery_id=facts.get(b"i", b"").decode() or None,
        received_at=_moment(facts.get(b"r")),
        finished_at=_moment(facts.get(b"z")),
        secret=facts.get(b"k", b"").decode(),
        attempt=int(facts.get(b"a", 0)),
        handlers={name: value.decode() for name, value in _named(facts, b"h:")},
        waiting={name: tuple(json.loads(value)) for name, value in _named(facts, b"q:")},
        attempts={name: int(value) for name, value in _named(facts, b"x:")},
        reasons={name: value.decode() for name, value in _named(facts, b"f:")},
        body=facts.get(b"b", b""),
    )


def _named(facts: dict[bytes, bytes], kind: bytes) -> Iterator[tuple[str, bytes]]:
    for field, value in facts.items():
        if field.startswith(kind):
            yield field[len(kind) :].decode(), value


def _moment(milliseconds: bytes | None) -> datetime | None:
    return _at(int(milliseconds)) if milliseconds else None


def _at(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _time(moment: datetime | None, unbounded: str) -> str | int:
    return unbounded if moment is None else int(moment.timestamp() * 1000)
