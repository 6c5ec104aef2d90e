"""Encode the lists of operators as script calls, page by page, and decode their answers.

A script holds the server until its end. So none looks at more than some hundred records: what finds
fewer than it was asked for says where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindFingerprints,
    ListDeadLetters,
    ListRecords,
    Position,
    RecordPage,
    Status,
)
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.codec.follow_up import FollowUp
from florentin_webhooks.redis.codec.records import to_datetime, to_milliseconds, to_record
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, load_script

__all__ = ["find_fingerprints", "letters_in_page", "list_dead_letters", "list_records"]

_MOST_READ = 150
"""The most records that one call returns, in 2 ms of the server's time."""
_MOST_SEEN, _MOST_EXAMINED = 600, 300
"""The most records that one call with a filter looks at: by their state, or by other fields."""
_MOST_FINGERPRINTS = 2000
_MOST_LETTERS = 500
_SECONDS = 2.0
"""How long a search for a fingerprint takes at most."""
_SIZE, _DIGITS = 16, 32
_FIELDS = {Status.RUNNING: "u:", Status.SCHEDULED: "w:"}
"""The beginning of a field without which a record cannot have the status."""

_LIST_DEAD_LETTERS = load_script("list_dead_letters", helpers="pages")
_LIST_FINGERPRINTS = load_script("list_fingerprints", helpers="pages")
_READ_RECORDS = load_script("read_records")


def list_records(schema: KeySchema, operation: ListRecords) -> ScriptCall:
    """Encode :class:`ListRecords`: a call that finds fingerprints leads to one that reads."""
    latest, last = _bounds(operation)
    arguments = (latest, _to_score(operation.since, "-inf"), last, _most_seen(operation))
    return ScriptCall(_LIST_FINGERPRINTS, (schema.log,), arguments, _read_next)


def find_fingerprints(schema: KeySchema, operation: FindFingerprints) -> ScriptCall:
    """Encode :class:`FindFingerprints`: each call leads to the next one."""
    return _search(schema, operation, _Search(time.monotonic() + _SECONDS))


def letters_in_page(operation: ListDeadLetters) -> int:
    """Return how many dead letters a page has at most."""
    return min(operation.limit, _MOST_LETTERS)


def list_dead_letters(schema: KeySchema, operation: ListDeadLetters) -> ScriptCall:
    """Encode :class:`ListDeadLetters`."""
    until, after = _to_score(operation.until, "+inf"), operation.after
    last = (to_milliseconds(after.died_at), after.job_id) if after else (0, "")
    arguments = (until, letters_in_page(operation), *last)
    return ScriptCall(_LIST_DEAD_LETTERS, (schema.dead,), arguments, _to_dead_letters)


def _most_seen(operation: ListRecords) -> int:
    """Return how many records one call may look at, which holds the server for about 2 ms."""
    if operation.event or operation.delivery_id or operation.status in _FIELDS:
        return _MOST_EXAMINED
    return _MOST_SEEN if operation.wanted_states else min(operation.limit, _MOST_READ)


def _bounds(operation: ListRecords) -> tuple[str | int, bytes]:
    """Return the latest arrival, and the fingerprint of the last record of the page before."""
    until, before = _to_score(operation.until, "+inf"), operation.before
    if before is None:
        return until, b""
    arrival = before.microseconds // 1000
    if isinstance(until, int) and until < arrival:
        return until, b""
    return arrival, _to_key(before.fingerprint)


def _to_key(fingerprint: str) -> bytes:
    """Return the bytes of a fingerprint in hex; none for other texts, such as in a URL."""
    try:
        return bytes.fromhex(fingerprint)
    except ValueError:
        return b""


def _read_next(answer: tuple[bytes, bytes]) -> FollowUp | RecordPage:
    """Return the call that reads the records whose fingerprints have been found."""
    joined, arrival = answer
    keys = [joined[at : at + _SIZE] for at in range(0, len(joined), _SIZE)]
    if not keys:
        return RecordPage(())
    following = Position(int(arrival) * 1000, keys[-1].hex()) if arrival else None
    return FollowUp(partial(_read_records, keys, following))


def _read_records(
    keys: Sequence[bytes], following: Position | None, schema: KeySchema, operation: ListRecords
) -> ScriptCall:
    states = operation.wanted_states
    arguments = (
        min(operation.limit, _MOST_READ),
        f" {' '.join(states)} " if states else "",
        operation.event or "",
        operation.delivery_id or "",
        _FIELDS.get(operation.status, "") if operation.status else "",
        int(operation.bodies),
    )
    read = partial(_to_page, keys, following)
    return ScriptCall(_READ_RECORDS, tuple(map(schema.record, keys)), arguments, read)


def _to_page(
    keys: Sequence[bytes],
    following: Position | None,
    answer: Sequence[Any],  # Any: what a RESP parser returns.
) -> RecordPage:
    seen: int = answer[0]
    found: Sequence[tuple[int, Sequence[bytes]]] = answer[1:]
    records = [to_record(keys[number - 1], words) for number, words in found]
    if seen < len(keys):  # It stopped at the last one that matches.
        following = records[-1].position
    return RecordPage(tuple(records), following)


class _Search(NamedTuple):
    """A search: when it must end, what it has found, and the last fingerprint of the last page."""

    end: float
    found: tuple[str, ...] = ()
    arrival: str | int = "+inf"
    last: bytes = b""


def _search(schema: KeySchema, wanted: FindFingerprints, search: _Search) -> ScriptCall:
    if time.monotonic() > search.end:
        raise Unavailable(
            f"A search for the fingerprint {wanted.prefix} has not ended within {_SECONDS:.0f} s.",
            "Name all of its 32 digits, which needs no search.",
        )
    arguments = (search.arrival, "-inf", search.last, _MOST_FINGERPRINTS)
    read = partial(_search_on, wanted, search)
    return ScriptCall(_LIST_FINGERPRINTS, (schema.log,), arguments, read)


def _search_on(
    wanted: FindFingerprints, search: _Search, answer: tuple[bytes, bytes]
) -> FollowUp | tuple[str, ...]:
    """Return the fingerprints with the prefix, or the call that goes on."""
    joined, arrival = answer
    found = (*search.found, *_with_prefix(joined.hex(), wanted.prefix))
    if not arrival or len(found) >= wanted.limit:
        return found[: wanted.limit]
    following = _Search(search.end, found, int(arrival), joined[-_SIZE:])
    return FollowUp(lambda schema, wanted: _search(schema, wanted, following))


def _with_prefix(digits: str, prefix: str) -> Iterator[str]:
    """Yield what begins with *prefix* in joined fingerprints: a search takes a tenth of a loop."""
    at = digits.find(prefix) if len(prefix) <= _DIGITS else -1
    while 0 <= at < len(digits):
        if at % _DIGITS == 0:
            yield digits[at : at + _DIGITS]
        at = digits.find(prefix, at + 1)


def _to_dead_letters(answer: Sequence[bytes]) -> tuple[DeadLetter, ...]:
    jobs = (job.decode() for job in answer[::2])
    pairs = zip(jobs, answer[1::2], strict=True)
    return tuple(
        DeadLetter(job[:_DIGITS], job[_DIGITS + 1 :], to_datetime(float(died)), job)
        for job, died in pairs
    )


def _to_score(time: datetime | None, unbounded: str) -> str | int:
    return unbounded if time is None else to_milliseconds(time)
