"""Decode the fields of a record, and encode what it has of the delivery's arrival."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.core.stores.accept import split_ending
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.core.stores.queries import Record

if TYPE_CHECKING:
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = [
    "Arrival",
    "pack_arrival",
    "pack_names",
    "to_datetime",
    "to_job_claim",
    "to_milliseconds",
    "to_record",
    "unpack_arrival",
]

_EPOCH = datetime.fromtimestamp(0, UTC)
_NAMES = (b"e", b"k", b"g", b"i")


class Arrival(NamedTuple):
    """What a record has of a delivery beside its body; *secret* and *key_id* are names."""

    received_at: datetime | None = None
    event: str = ""
    secret: str = ""
    key_id: str = ""
    delivery_id: str | None = None


def pack_arrival(delivery: Delivery, received: int) -> bytes:
    """Encode what a record has of *delivery*, which arrived at *received*, in milliseconds.

    In one field: five of them took a tenth of Redis' time for a delivery. They are the time, the
    bytes of the event and of the secret's name, and the key id between blanks; then without any
    blank between them the event, the secret's name, and the delivery id.
    """
    names = pack_names(delivery.event, delivery.secret, delivery.key_id)
    return b"%d%b%b" % (received, names, (delivery.delivery_id or "").encode())


def pack_names(event: str, secret: str, key_id: str) -> bytes:
    """Encode what :func:`pack_arrival` has between the time and the delivery id."""
    raw, name = event.encode(), secret.encode()
    return b" %d %d %b %b%b" % (len(raw), len(name), key_id.encode(), raw, name)


def unpack_arrival(packed: bytes) -> Arrival:
    """Return what :func:`pack_arrival` has encoded; a record without it was made compact."""
    if not packed:
        return Arrival()
    received, event, secret, key_id, names = packed.split(b" ", 4)
    at = int(event)
    ends = at + int(secret)
    return Arrival(
        to_datetime(int(received)),
        names[:at].decode(),
        names[at:ends].decode(),
        key_id.decode(),
        names[ends:].decode() or None,
    )


def to_record(key: bytes, words: Sequence[bytes]) -> Record:
    """Return the record of the fingerprint *key*; *words* are its fields and values."""
    fields = dict(zip(words[::2], words[1::2], strict=True))
    state = State(fields[b"s"].decode())
    arrival = unpack_arrival(fields[b"d"]) if b"d" in fields else _unpacked(fields)
    endings = {name: split_ending(value.decode()) for name, value in _by_name(fields, b"h:")}
    return Record(
        fingerprint=key.hex(),
        state=state,
        event=arrival.event,
        delivery_id=arrival.delivery_id,
        received_at=arrival.received_at,
        finished_at=_to_datetime_or_none(fields.get(b"z")),
        secret=arrival.secret,
        # A delivery that was run or queued at once had one attempt. What is compact has no event.
        attempt=int(fields.get(b"a", arrival.received_at is not None)),
        handlers={name: outcome for name, (outcome, _) in endings.items()},
        waiting={name: tuple(json.loads(value)) for name, value in _by_name(fields, b"q:")},
        attempts={name: int(value) for name, value in _by_name(fields, b"x:")},
        reasons={name: value.decode() for name, value in _by_name(fields, b"f:")},
        body=fields.get(b"b", b""),
        key_id=arrival.key_id,
        owner=fields.get(b"p", b"").decode(),
        notes={name: note for name, (_, note) in endings.items() if note},
        next_attempts=_times(fields, b"w:"),
        # Those of a finished delivery are left from its last run.
        leases=_times(fields, b"u:") if state is not State.DONE else {},
    )


def to_job_claim(answer: Sequence[Any]) -> JobClaim:  # Any: what a RESP parser returns.
    """Return the decoded answer to a claim: with RUN it has what the record has."""
    decision, wait, *rest = answer
    if decision == b"foreign":
        count, owner = rest
        return JobClaim(JobDecision.FOREIGN, attempt=count, owner=owner.decode())
    if not rest:
        return JobClaim(JobDecision(decision.decode()), wait / 1000)
    attempt, body, packed, expected, *done = rest
    arrival = unpack_arrival(packed)
    return JobClaim(
        JobDecision.RUN,
        attempt=attempt,
        body=body,
        delivery_id=arrival.delivery_id,
        received_at=arrival.received_at,
        secret=arrival.secret,
        expected=tuple(json.loads(expected or b"[]")),
        done=frozenset(name.decode() for name in done),
        key_id=arrival.key_id,
        event=arrival.event,
    )


def to_milliseconds(time: datetime) -> int:
    """Return *time* as Redis stores it, without the error of a fraction."""
    # Neither divided by a timedelta nor by way of a float: each takes five times as long.
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def to_datetime(milliseconds: float) -> datetime:
    """Return a time of Redis."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _unpacked(fields: dict[bytes, bytes]) -> Arrival:
    """Return what a record of versions before 0.2 has of the arrival, a field for each part."""
    event, secret, key_id, delivery_id = (fields.get(name, b"").decode() for name in _NAMES)
    received_at = _to_datetime_or_none(fields.get(b"r"))
    return Arrival(received_at, event, secret, key_id, delivery_id or None)


def _by_name(fields: dict[bytes, bytes], prefix: bytes) -> Iterator[tuple[str, bytes]]:
    for field, value in fields.items():
        if field.startswith(prefix):
            yield field[len(prefix) :].decode(), value


def _times(fields: dict[bytes, bytes], prefix: bytes) -> dict[str, datetime]:
    return {name: to_datetime(float(value)) for name, value in _by_name(fields, prefix)}


def _to_datetime_or_none(milliseconds: bytes | None) -> datetime | None:
    return to_datetime(int(milliseconds)) if milliseconds else None
