"""Decode the fields of a record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from florentin_webhooks.core.stores.accept import split_ending
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record

__all__ = ["to_datetime", "to_milliseconds", "to_record"]

_EPOCH = datetime.fromtimestamp(0, UTC)


def to_record(key: bytes, words: Sequence[bytes]) -> Record:
    """Return the record of the fingerprint *key*; *words* are its fields and values."""
    fields = dict(zip(words[::2], words[1::2], strict=True))
    state = State(fields[b"s"].decode())
    endings = {name: split_ending(value.decode()) for name, value in _by_name(fields, b"h:")}
    return Record(
        fingerprint=key.hex(),
        state=state,
        event=fields.get(b"e", b"").decode(),
        delivery_id=fields.get(b"i", b"").decode() or None,
        received_at=_to_datetime_or_none(fields.get(b"r")),
        finished_at=_to_datetime_or_none(fields.get(b"z")),
        secret=fields.get(b"k", b"").decode(),
        # A delivery that was run or queued at once had one attempt. What is compact has no event.
        attempt=int(fields.get(b"a", b"e" in fields)),
        handlers={name: outcome for name, (outcome, _) in endings.items()},
        waiting={name: tuple(json.loads(value)) for name, value in _by_name(fields, b"q:")},
        attempts={name: int(value) for name, value in _by_name(fields, b"x:")},
        reasons={name: value.decode() for name, value in _by_name(fields, b"f:")},
        body=fields.get(b"b", b""),
        key_id=fields.get(b"g", b"").decode(),
        owner=fields.get(b"p", b"").decode(),
        notes={name: note for name, (_, note) in endings.items() if note},
        next_attempts=_times(fields, b"w:"),
        # Those of a finished delivery are left from its last run.
        leases=_times(fields, b"u:") if state is not State.DONE else {},
    )


def to_milliseconds(time: datetime) -> int:
    """Return *time* as Redis stores it, without the error of a fraction."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(milliseconds: float) -> datetime:
    """Return a time of Redis."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _by_name(fields: dict[bytes, bytes], prefix: bytes) -> Iterator[tuple[str, bytes]]:
    for field, value in fields.items():
        if field.startswith(prefix):
            yield field[len(prefix) :].decode(), value


def _times(fields: dict[bytes, bytes], prefix: bytes) -> dict[str, datetime]:
    return {name: to_datetime(float(value)) for name, value in _by_name(fields, prefix)}


def _to_datetime_or_none(milliseconds: bytes | None) -> datetime | None:
    return to_datetime(int(milliseconds)) if milliseconds else None
