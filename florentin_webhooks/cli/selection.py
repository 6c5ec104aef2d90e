"""The deliveries that an operator means: by fingerprint, by delivery id, or by filters."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.core.durations import parse_duration
from florentin_webhooks.core.search.pages import record_pages
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    Status,
)
from florentin_webhooks.core.times import format_time

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.core.stores.queries import Record

    TimeType = click.ParamType[datetime]
else:
    TimeType = click.ParamType  # Not generic in click 8.1.

__all__ = ["Filter", "Selection", "resolve", "select", "with_filter"]

_PAGE = 200
_SECONDS = 0.3
"""How long a search for a delivery id takes at most."""
_WHOLE = 32
_FEWEST = 4
_HEX = re.compile(r"[0-9a-f]{1,32}")
_STATES = [status.value for status in Status]


class TimeParam(TimeType):
    """A time on the command line: an age (``30s``, ``10m``, ``2h``, ``3d``), or ISO 8601."""

    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return *value* as a time; one without a zone is in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - parse_duration(value)
        except ValueError:
            pass
        try:
            when = datetime.fromisoformat(str(value))
        except ValueError:
            message = f"{value!r} is not an age such as 30s, 10m, 2h or 3d"
            self.fail(f"{message}, or a time such as 2026-11-28T12:00:00Z", param, ctx)
        return when.replace(tzinfo=when.tzinfo or UTC)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions of a list: an event, a state as operators see it, and the time of arrival."""

    event: str | None = None
    state: Status | None = None
    since: datetime | None = None
    until: datetime | None = None
    delivery_id: str | None = None

    def __bool__(self) -> bool:
        return self != Filter()

    def query(self, limit: int) -> ListRecords:
        """Return the query for a page of at most *limit* deliveries."""
        return ListRecords(
            min(limit, _PAGE),
            event=self.event,
            since=self.since,
            until=self.until,
            bodies=False,
            delivery_id=self.delivery_id,
            status=self.state,
        )


def with_filter(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a filter to a command; it gets the :class:`Filter` as ``wanted``."""

    @click.option("--event", metavar="NAME", help="Only deliveries of this event.")
    @click.option("--state", type=click.Choice(_STATES), help="Only deliveries in this state.")
    @click.option("--since", type=TimeParam(), metavar="AGE", help="Not older than 10m, 2h, 3d.")
    @click.option(
        "--until", type=TimeParam(), metavar="AGE", help="Not newer; as --since, or a time."
    )
    @wraps(function)
    def wrapped(
        *args: object,
        event: str | None,
        state: str | None,
        since: datetime | None,
        until: datetime | None,
        **arguments: object,
    ) -> None:
        if since and until and since > until:
            raise UsageError("--until ends before --since begins.", "Exchange the two.")
        wanted = Filter(event, Status(state) if state else None, since, until)
        function(*args, wanted=wanted, **arguments)

    return wrapped


@dataclass(slots=True)
class Selection:
    """The newest *limit* deliveries that match, without bodies, page by page.

    A search that takes longer than *seconds* stops: then *searched_until* is the arrival of the
    oldest delivery that it has looked at.
    """

    context: ReceiverContext
    wanted: Filter
    limit: int
    seconds: float | None = None
    searched_until: datetime | None = None

    def __iter__(self) -> Iterator[Record]:
        """Yield them, the newest first."""
        return islice(self._matching(), min(self.limit, sys.maxsize))

    def _matching(self) -> Iterator[Record]:
        state = self.wanted.state
        end = time.monotonic() + (math.inf if self.seconds is None else self.seconds)
        for page in record_pages(self.context.store, self.wanted.query(self.limit)):
            now = datetime.now(UTC)
            yield from (each for each in page.records if state in (None, each.status(now)))
            if page.following is not None and time.monotonic() > end:
                self.searched_until = page.following.time
                return


def select(context: ReceiverContext, wanted: Filter, limit: int) -> Iterator[Record]:
    """Return the newest *limit* deliveries that match, however long it takes."""
    return iter(Selection(context, wanted, limit))


def resolve(context: ReceiverContext, names: Sequence[str]) -> list[str]:
    """Return the fingerprints of the deliveries that *names* mean, each once.

    A name is a fingerprint, also of a retry with a new timestamp, the first digits of one, or a
    delivery id.
    """
    return list(dict.fromkeys(_resolve(context, name) for name in names))


def _resolve(context: ReceiverContext, name: str) -> str:
    if not name.strip():  # Of a variable that is not set; it must not mean any delivery.
        message = f"{name!r} is not a fingerprint or delivery id."
        raise UsageError(message, _listing(context))
    prefix = name.lower()
    found = _find_fingerprint(context, prefix) or _find_delivery_id(context, name)
    if len(found) == 1:
        return found[0]
    if not found:
        if _HEX.fullmatch(prefix) and len(prefix) < _FEWEST:
            message = f"{name!r} is fewer than {_FEWEST} digits of a fingerprint."
            raise UsageError(message, _listing(context))
        raise _not_found(context, name)
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
    if found := context.store.execute(FindDeliveryId(keys)):
        return found
    records = Selection(context, Filter(delivery_id=delivery_id), _PAGE, _SECONDS)
    found = tuple(each.fingerprint for each in records)
    if not found and records.searched_until:
        raise _not_found(context, delivery_id, records.searched_until)
    return found


def _not_found(
    context: ReceiverContext, name: str, searched_until: datetime | None = None
) -> CLIError:
    message = f"No delivery whose body is still kept has {name} as delivery id or fingerprint."
    if searched_until:
        message += f" The search has stopped at those of {format_time(searched_until)}."
    return CLIError(message, _listing(context))


def _listing(context: ReceiverContext) -> str:
    return f"List fingerprints: {suggest('deliveries list', app=context.app)}"
