"""Encode the queries of operators as script calls and decode their answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Record,
    ResetRecord,
    split_ending,
)
from florentin_webhooks.redis.codec.follow_up import FollowUp
from florentin_webhooks.redis.schema import (
    KeySchema,
    ScriptCall,
    job_args,
    job_keys,
    load_script,
)

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import JobKeys

__all__ = [
    "find_delivery_id",
    "find_fingerprints",
    "get_record",
    "list_dead_letters",
    "list_records",
    "reset_record",
]

_FIND_DELIVERY_ID = load_script("find_delivery_id")
_FIND_FINGERPRINTS = load_script("find_fingerprints")
_GET_RECORD = load_script("get_record")
_LIST_DEAD_LETTERS = load_script("list_dead_letters")
_LIST_RECORDS = load_script("list_records")
_RESET_RECORD = load_script("reset_record")


def get_record(schema: KeySchema, operation: GetRecord) -> ScriptCall:
    """Encode :class:`GetRecord`."""
    return _get_record(schema, operation.key)


def _get_record(schema: KeySchema, key: bytes, *, leads: bool = True) -> ScriptCall:
    arguments = (key, int(leads))
    return ScriptCall(_GET_RECORD, (schema.record(key),), arguments, _to_record_or_none)


def list_records(schema: KeySchema, operation: ListRecords) -> ScriptCall:
    """Encode :class:`ListRecords`."""
    arguments = (
        schema.records,
        _to_score(operation.until, "+inf"),
        _to_score(operation.since, "-inf"),
        operation.limit,
        f" {' '.join(operation.states)} " if operation.states else "",
        operation.event or "",
        int(operation.bodies),
    )
    return ScriptCall(_LIST_RECORDS, (schema.log,), arguments, _to_records)


def find_fingerprints(schema: KeySchema, operation: FindFingerprints) -> ScriptCall:
    """Encode :class:`FindFingerprints`."""
    arguments = (operation.prefix, operation.limit)
    return ScriptCall(_FIND_FINGERPRINTS, (schema.log,), arguments, _to_fingerprints)


def find_delivery_id(schema: KeySchema, operation: FindDeliveryId) -> ScriptCall:
    """Encode :class:`FindDeliveryId`."""
    keys = tuple(schema.delivery_id(each) for each in operation.keys)
    return ScriptCall(_FIND_DELIVERY_ID, keys, (), _to_fingerprints)


def list_dead_letters(schema: KeySchema, operation: ListDeadLetters) -> ScriptCall:
    """Encode :class:`ListDeadLetters`."""
    arguments = (_to_score(operation.until, "+inf"), operation.limit)
    return ScriptCall(_LIST_DEAD_LETTERS, (schema.dead,), arguments, _to_dead_letters)


def reset_record(schema: KeySchema, operation: ResetRecord) -> ScriptCall:
    """Encode :class:`ResetRecord`."""
    keys = (
        schema.record(operation.key),
        schema.log,
        schema.dead,
        *job_keys(schema, operation.jobs),
        *(schema.tag + key for job in operation.jobs for key in _remains(job.keys)),
    )
    arguments = (
        operation.mode.value,
        operation.key,
        schema.retention,
        schema.unfinished_retention,
        json.dumps(operation.handlers),
        *job_args(operation.jobs),
    )
    return ScriptCall(_RESET_RECORD, keys, arguments, _to_state)


def _remains(keys: JobKeys) -> tuple[str, str]:
    """Return the keys of what RQ keeps of a job beside its hash and its place in the queue."""
    return keys.results, keys.scheduled


def _to_fingerprints(answer: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(key.hex() for key in answer)


def _to_dead_letters(answer: Sequence[bytes]) -> tuple[DeadLetter, ...]:
    pairs = zip(answer[::2], answer[1::2], strict=True)
    return tuple(
        DeadLetter(job.decode()[:32], job.decode()[33:], _from_milliseconds(float(died)))
        for job, died in pairs
    )


def _to_state(answer: bytes) -> State | None:
    return State(answer.decode()) if answer else None


def _to_records(answer: Sequence[tuple[bytes, Sequence[bytes]]]) -> tuple[Record, ...]:
    return tuple(_to_record(key, words) for key, words in answer)


def _to_record_or_none(answer: Sequence[Any]) -> Record | FollowUp | None:  # Any: a key, words.
    key, *rest = answer
    if not rest:
        return FollowUp(lambda schema, _: _get_record(schema, key, leads=False))
    (words,) = rest
    # Without a state, a refused command has ended its acceptance.
    return _to_record(key, words) if b"s" in words[::2] else None


def _to_record(key: bytes, words: Sequence[bytes]) -> Record:
    fields = dict(zip(words[::2], words[1::2], strict=True))
    endings = {name: split_ending(value.decode()) for name, value in _by_name(fields, b"h:")}
    return Record(
        fingerprint=key.hex(),
        state=State(fields[b"s"].decode()),
        event=fields.get(b"e", b"").decode(),
        delivery_id=fields.get(b"i", b"").decode() or None,
        received_at=_to_datetime(fields.get(b"r")),
        finished_at=_to_datetime(fields.get(b"z")),
        secret=fields.get(b"k", b"").decode(),
        # A delivery that was queued at once had one attempt, as its body shows.
        attempt=int(fields.get(b"a", b"b" in fields)),
        handlers={name: outcome for name, (outcome, _) in endings.items()},
        waiting={name: tuple(json.loads(value)) for name, value in _by_name(fields, b"q:")},
        attempts={name: int(value) for name, value in _by_name(fields, b"x:")},
        reasons={name: value.decode() for name, value in _by_name(fields, b"f:")},
        body=fields.get(b"b", b""),
        key_id=fields.get(b"g", b"").decode(),
        owner=fields.get(b"p", b"").decode(),
        notes={name: note for name, (_, note) in endings.items() if note},
        next_attempts=_times(fields, b"w:"),
        leases=_times(fields, b"u:"),
    )


def _by_name(fields: dict[bytes, bytes], prefix: bytes) -> Iterator[tuple[str, bytes]]:
    for field, value in fields.items():
        if field.startswith(prefix):
            yield field[len(prefix) :].decode(), value


def _times(fields: dict[bytes, bytes], prefix: bytes) -> dict[str, datetime]:
    return {name: _from_milliseconds(float(value)) for name, value in _by_name(fields, prefix)}


def _to_datetime(milliseconds: bytes | None) -> datetime | None:
    return _from_milliseconds(int(milliseconds)) if milliseconds else None


def _from_milliseconds(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _to_score(time: datetime | None, unbounded: str) -> str | int:
    return unbounded if time is None else int(time.timestamp() * 1000)
