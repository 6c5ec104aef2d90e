"""Encode the search for a fingerprint and the list of dead letters, and decode their answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.queries import DeadLetter, FindFingerprints, ListDeadLetters
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.codec.deliveries import list_fingerprints, to_score
from florentin_webhooks.redis.codec.records import to_datetime, to_milliseconds
from florentin_webhooks.redis.codec.sources import Bounds
from florentin_webhooks.redis.codec.steps import begin
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, load_script

if TYPE_CHECKING:
    from florentin_webhooks.redis.codec.steps import Steps

__all__ = ["find_fingerprints", "letters_in_page", "list_dead_letters"]

_MOST_FINGERPRINTS = 2000
_MOST_LETTERS = 500
_SECONDS = 2.0
"""How long a search for a fingerprint takes at most."""
_SIZE, _DIGITS = 16, 32

_LIST_DEAD_LETTERS = load_script("list_dead_letters", helpers="pages")


def find_fingerprints(schema: KeySchema, operation: FindFingerprints) -> ScriptCall:
    """Encode :class:`FindFingerprints`: each call leads to the next one."""
    return begin(_search(schema, operation))


def letters_in_page(operation: ListDeadLetters) -> int:
    """Return how many dead letters a page has at most."""
    return min(operation.limit, _MOST_LETTERS)


def list_dead_letters(schema: KeySchema, operation: ListDeadLetters) -> ScriptCall:
    """Encode :class:`ListDeadLetters`."""
    until, after = to_score(operation.until, "+inf"), operation.after
    last = (to_milliseconds(after.died_at), after.job_id) if after else (0, "")
    arguments = (until, letters_in_page(operation), *last)
    return ScriptCall(_LIST_DEAD_LETTERS, (schema.dead,), arguments, _to_dead_letters)


def _search(schema: KeySchema, wanted: FindFingerprints) -> Steps[tuple[str, ...]]:
    """Return the fingerprints with the prefix, page by page of the log."""
    end, found = time.monotonic() + _SECONDS, list[str]()
    bounds = Bounds("+inf", "-inf", b"")
    while True:
        joined, arrival = yield list_fingerprints(schema, bounds, _MOST_FINGERPRINTS)
        found += _with_prefix(joined.hex(), wanted.prefix)
        if arrival is None or len(found) >= wanted.limit:
            return tuple(found[: wanted.limit])
        if time.monotonic() > end:
            raise Unavailable(
                f"A search for the fingerprint {wanted.prefix} has not ended in {_SECONDS:.0f} s.",
                "Name all of its 32 digits, which needs no search.",
            )
        bounds = Bounds(arrival, "-inf", joined[-_SIZE:])


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
