"""The deliveries that an operator means: by fingerprint, by its first digits, or by filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.core.durations import parse_duration
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import FindFingerprints, ListRecords

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.core.stores.queries import Record

    AgeType = click.ParamType[timedelta]
else:
    AgeType = click.ParamType  # Not generic in click 8.1.

__all__ = ["AgeParam", "Filter", "resolve", "select", "with_filter"]

_PAGE = 200
_WHOLE = 32
_FEWEST = 4
_HEX = re.compile(r"[0-9a-f]{1,32}")
_STATES = [state.value for state in State if state is not State.LOST]


class AgeParam(AgeType):
    """An age on the command line: ``30s``, ``10m``, ``2h`` or ``3d``."""

    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return *value* as a duration."""
        try:
            return parse_duration(value)
        except ValueError:
            self.fail(f"{value!r} is not an age such as 30s, 10m, 2h or 3d", param, ctx)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions of a list: an event, a state, and the greatest age."""

    event: str | None = None
    state: State | None = None
    since: timedelta | None = None

    def __bool__(self) -> bool:
        return (self.event, self.state, self.since) != (None, None, None)


def with_filter(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a filter to a command; it gets the :class:`Filter` as ``wanted``."""

    @click.option("--event", metavar="NAME", help="Only deliveries of this event.")
    @click.option("--state", type=click.Choice(_STATES), help="Only deliveries in this state.")
    @click.option("--since", type=AgeParam(), metavar="AGE", help="Not older than 10m, 2h, 3d.")
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


def select(context: ReceiverContext, wanted: Filter, limit: int) -> Iterator[Record]:
    """Return the newest *limit* deliveries that match, without bodies, page by page."""
    since = datetime.now(UTC) - wanted.since if wanted.since else None
    until, seen = None, set[str]()
    while len(seen) < limit:
        page = context.store.execute(
            ListRecords(_PAGE, wanted.state, wanted.event, since, until, bodies=False)
        )
        new = [record for record in page if record.fingerprint not in seen]
        for record in new[: limit - len(seen)]:
            seen.add(record.fingerprint)
            yield record
        if len(page) < _PAGE:
            return
        until = page[-1].received_at
        if not new and until is not None:  # One millisecond holds more than a page.
            until -= timedelta(milliseconds=1)


def resolve(context: ReceiverContext, prefixes: Sequence[str]) -> list[str]:
    """Return the fingerprints that begin with *prefixes*, each once."""
    return list(dict.fromkeys(_resolve(context, prefix.lower()) for prefix in prefixes))


def _resolve(context: ReceiverContext, prefix: str) -> str:
    listing = f"List fingerprints: {suggest('deliveries list', app=context.app)}"
    if not _HEX.fullmatch(prefix) or len(prefix) < _FEWEST:
        message = f"{prefix!r} is not a fingerprint, or fewer than {_FEWEST} digits of one."
        raise UsageError(message, listing)
    if len(prefix) == _WHOLE:
        return prefix
    found = context.store.execute(FindFingerprints(prefix))
    if not found:
        message = f"No delivery whose body is still kept begins with {prefix}."
        raise CLIError(message, listing)
    first, *others = found
    if others:
        message = f"Several deliveries begin with {prefix}."
        raise UsageError(message, f"Add digits, such as {first[: len(prefix) + 4]}.")
    return first
