"""Encode the index of states: a sorted set by arrival for each state that few deliveries have.

Accepting and finishing write nothing for it. The first process that needs it, or a worker's
sweeper, reads what has come to the log since the last time, and adds those that are neither done
nor queued. Deliveries that leave these two states later are added by the script that changes them,
and those that have left a state of the index are removed by who reads it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import random
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis.codec.steps import Steps, begin
from florentin_webhooks.redis.schema import (
    INDEXES,
    KeySchema,
    ScriptCall,
    Words,
    ignore_answer,
    load_script,
)

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.jobs import IndexStates

__all__ = [
    "KINDS",
    "READ_RECORDS",
    "catch_up",
    "index_delivery",
    "index_of",
    "index_states",
    "split",
]

_MOST_INDEXED, _MOST_OLD = 200, 100
"""The most records that one call looks at, in 1 ms of the server's time: new ones, or old ones."""
_ROUNDS = 5
"""The calls after which a sweeper's round leaves the rest of an index, or the log, to the next."""
_SIZE = 16

KINDS = (" running failed ", " stale ", " invalid ", " dead ", "w:")
"""What is in each index: states, or the beginning of a field of its records."""
_INDEX_OF = {
    State.RUNNING: "failed",
    State.FAILED: "failed",
    State.STALE: "stale",
    State.INVALID: "invalid",
    State.DEAD: "dead",
}

_INDEX_STATES = load_script("index_states", helpers="fields")
_LIST_SOME = load_script("list_some")
_LIST_UNINDEXED = load_script("list_unindexed", helpers="pages")
READ_RECORDS = load_script("read_records", helpers="fields")


def index_of(state: State) -> str | None:
    """Return the name of the index with the deliveries in *state*, None for the log."""
    return _INDEX_OF.get(state)


def catch_up(schema: KeySchema, seconds: float, latest: int | None = None) -> Steps[bool]:
    """Add to the index what has come since the last time; return whether it is then complete.

    Where it is complete until *latest* already, it stays as it is.
    """
    end, last, limit = time.monotonic() + seconds, (0, b""), _MOST_OLD
    while True:
        page = (*last, limit, "" if latest is None else latest)
        keys, complete, arrival, is_old = yield _list_unindexed(schema, page)
        if keys:
            yield _index(schema, keys, complete, is_old=is_old)
        if arrival is None or time.monotonic() > end:
            return arrival is None
        last, limit = (arrival, keys[-1]), _MOST_OLD if is_old else _MOST_INDEXED


def index_delivery(schema: KeySchema, key: bytes) -> ScriptCall:
    """Encode the look at a delivery that the index has passed already."""
    return _index(schema, [key], None, is_old=False)


def index_states(schema: KeySchema, operation: IndexStates) -> ScriptCall:
    """Encode :class:`IndexStates`: it also removes some that have left their state."""
    return begin(_index_states(schema, operation))


def _index_states(schema: KeySchema, operation: IndexStates) -> Steps[bool]:
    is_complete = yield from catch_up(schema, operation.seconds)
    for name, kind in zip(INDEXES, KINDS, strict=True):
        for _ in range(_ROUNDS):
            keys = yield _list_some(schema.index(name))
            if not keys or (yield _tidy(schema, name, kind, keys)) < len(keys) / 4:
                break
    for _ in range(_ROUNDS if is_complete else 0):  # What earlier versions have changed since.
        if keys := (yield _list_some(schema.log)):
            yield _index(schema, keys, None, is_old=True)
    return is_complete


def split(joined: bytes) -> list[bytes]:
    """Return the fingerprints that a script has joined."""
    return [joined[at : at + _SIZE] for at in range(0, len(joined), _SIZE)]


def _list_unindexed(schema: KeySchema, page: Words) -> ScriptCall:
    return ScriptCall(_LIST_UNINDEXED, (schema.log, schema.indexed), page, _to_unindexed)


def _to_unindexed(
    answer: tuple[bytes, int | bytes, bytes, int],
) -> tuple[list[bytes], int, int | None, bool]:
    joined, complete, arrival, is_old = answer
    return split(joined), int(complete), int(arrival) if arrival else None, bool(is_old)


def _index(
    schema: KeySchema, keys: Sequence[bytes], complete: int | None, *, is_old: bool
) -> ScriptCall:
    records = map(schema.record, keys)
    until = "" if complete is None else complete
    arguments = (until, int(is_old), 2 * schema.unfinished_retention)
    return ScriptCall(
        _INDEX_STATES, (schema.indexed, *schema.indexes, *records), arguments, ignore_answer
    )


def _list_some(key: bytes) -> ScriptCall:
    begins = str(random())  # noqa: S311 - not a secret.
    return ScriptCall(_LIST_SOME, (key,), (begins, _MOST_OLD), split)


def _tidy(schema: KeySchema, name: str, kind: str, keys: Sequence[bytes]) -> ScriptCall:
    """Encode a reading in which no record has the wanted state, so that all are looked at."""
    names = (*map(schema.record, keys), schema.index(name))
    return ScriptCall(READ_RECORDS, names, (1, " - ", "", "", "", 0, kind), _to_removed)


def _to_removed(answer: Sequence[int]) -> int:
    return answer[1]
