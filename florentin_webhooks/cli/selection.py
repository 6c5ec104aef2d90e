"""Find the deliveries that an operator means: by fingerprint, its beginning, or filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.formatting.durations import DurationParam
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import FindFingerprints, ListRecords

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["Filter", "resolve", "select", "with_filter"]

_PAGE = 200
_WHOLE = 32
_FEWEST = 4
_HEX = re.compile(r"[0-9a-f]{1,32}")
_STATES = [state.value for state in State if state is not State.LOST]


@dataclass(frozen=True, slots=True)
class Filter:
    """Hold what was asked for: an event name, a state, and how long ago at most it came."""

    event: str | None = None
    state: State | None = None
    since: timedelta | None = None

    def __bool__(self) -> bool:
        return (self.event, self.state, self.since) != (None, None, None)


def with_filter(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a filter, and the :class:`Filter` as ``wanted``."""

    @click.option("--event", metavar="NAME", help="Only deliveries of this event.")
    @click.option("--state", type=click.Choice(_STATES), help="Only deliveries in this state.")
    @click.option(
        "--since", type=DurationParam(), metavar="AGE", help="Not older than 10m, 2h, 3d."
    )
    @wraps(function)
    def wrapped(
        *args: object,
        event: str | None,
        state: str | None,
        since: timedelta | None,
        **arguments: object,
    ) -> None:
        wanted = Filter(event, State(state) if state else None, since)
        function(*args, wanted=wanted, **arguments)

    return wrapped


def select(shop: ReceiverContext, wanted: Filter, limit: int) -> Iterator[Record]:
    """Give the newest *limit* deliveries that are *wanted*, without their bodies, page by page."""
    since = datetime.now(UTC) - wanted.since if wanted.since else None
    until, seen = None, set[str]()
    while len(seen) < limit:
        page = shop.store.execute(
            ListRecords(_PAGE, wanted.state, wanted.event, since, until, bodies=False)
        )
        new = [record for record in page if record.fingerprint not in seen]
        for record in new[: limit - len(seen)]:
            seen.add(record.fingerprint)
            yield record
        if len(page) < _PAGE:
            return
        until = page[-1].received_at
        if not new and until is not None:  # More came within one millisecond than fit on a page.
            until -= timedelta(milliseconds=1)


def resolve(shop: ReceiverContext, words: Sequence[str]) -> list[str]:
    """Give the fingerprints that *words* are, or begin."""
    return list(dict.fromkeys(_resolve(shop, word.lower()) for word in words))


def _list(shop: ReceiverContext) -> str:
    return f"{suggest('deliveries list', app=shop.app)}, for fingerprints"


def _resolve(shop: ReceiverContext, word: str) -> str:
    if not _HEX.fullmatch(word) or len(word) < _FEWEST:
        message = f"{word!r} is no fingerprint, nor {_FEWEST} digits or more of its beginning"
        raise UsageError(message, _list(shop))
    if len(word) == _WHOLE:
        return word
    found = shop.store.execute(FindFingerprints(word))
    if not found:
        message = f"no delivery that is still whole begins with {word}"
        raise CLIError(message, _list(shop))
    first, *others = found
    if others:
        message = f"more than one delivery begins with {word}"
        raise UsageError(message, f"more digits, as in {first[: len(word) + 4]}")
    return first
