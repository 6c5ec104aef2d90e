"""The deliveries that an operator means: by fingerprint, by delivery id, or by filters."""

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
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    Status,
)

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.core.stores.queries import Record

    AgeType = click.ParamType[timedelta]
else:
    AgeType = click.ParamType  # Not generic in click 8.1.

__all__ = ["AgeParam", "Filter", "resolve", "select", "with_filter"]

_PAGE = 200
_WHOLE = 32
_EVERY = 1_000_000
_FEWEST = 4
_HEX = re.compile(r"[0-9a-f]{1,32}")
_STATES = [status.value for status in Status]


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
    """Conditions of a list: an event, a state as operators see it, and the greatest age."""

    event: str | None = None
    state: Status | None = None
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
        wanted = Filter(event, Status(state) if state else None, since)
        function(*args, wanted=wanted, **arguments)

    return wrapped


def select(context: ReceiverContext, wanted: Filter, limit: int) -> Iterator[Record]:
    """Return the newest *limit* deliveries that match, without bodies, page by page."""
    since = datetime.now(UTC) - wanted.since if wanted.since else None
    until: datetime | None = None
    seen: set[str] = set()
    while len(seen) < limit:
        states = wanted.state.states if wanted.state else ()
        page = context.store.execute(
            ListRecords(_PAGE, states, wanted.event, since, until, bodies=False)
        )
        now = datetime.now(UTC)
        new = [
            record
            for record in page
            if record.fingerprint not in seen and wanted.state in (None, record.status(now))
        ]
        for record in new[: limit - len(seen)]:
            seen.add(record.fingerprint)
            yield record
        if len(page) < _PAGE:
            return
        before, until = until, page[-1].received_at
        if until == before and until is not None:  # One millisecond holds more than a page.
            until -= timedelta(milliseconds=1)


def resolve(context: ReceiverContext, names: Sequence[str]) -> list[str]:
    """Return the fingerprints of the deliveries that *names* mean, each once.

    A name is a fingerprint, also of a retry with a new timestamp, the first digits of one, or a
    delivery id.
    """
    return list(dict.fromkeys(_resolve(context, name) for name in names))


def _resolve(context: ReceiverContext, name: str) -> str:
    prefix = name.lower()
    found = _find_fingerprint(context, prefix) or _find_delivery_id(context, name)
    if len(found) == 1:
        return found[0]
    listing = f"List fingerprints: {suggest('deliveries list', app=context.app)}"
    if not found:
        if _HEX.fullmatch(prefix) and len(prefix) < _FEWEST:
            raise UsageError(f"{name!r} is fewer than {_FEWEST} digits of a fingerprint.", listing)
        message = f"No delivery whose body is still kept has {name} as delivery id or fingerprint."
        raise CLIError(message, listing)
    if found[0].startswith(prefix):
        message = f"Several deliveries begin with {prefix}."
        raise UsageError(message, f"Add digits, such as {found[0][: len(prefix) + 4]}.")
    raise UsageError(f"Several deliveries came as {name}.", f"Choose one: {', '.join(found[:5])}.")


def _find_fingerprint(context: ReceiverContext, prefix: str) -> Sequence[str]:
    if not _HEX.fullmatch(prefix) or len(prefix) < _FEWEST:
        return ()
    if len(prefix) < _WHOLE:
        return context.store.execute(FindFingerprints(prefix))
    record = context.store.execute(GetRecord(bytes.fromhex(prefix)))
    return () if record is None else (record.fingerprint,)


def _find_delivery_id(context: ReceiverContext, delivery_id: str) -> Sequence[str]:
    """Return what came under *delivery_id*, by its key, or else by searching the records."""
    keys = context.hooks.identity.delivery_id_keys(delivery_id)
    found = context.store.execute(FindDeliveryId(keys))
    records = () if found else select(context, Filter(), _EVERY)
    return found or [each.fingerprint for each in records if each.delivery_id == delivery_id]
