"""Show what is remembered of a delivery: as a line, in full, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.formatting.durations import format_age, to_iso
from florentin_webhooks.cli.formatting.tables import row, table
from florentin_webhooks.core.stores.base import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from florentin_webhooks.core.stores.queries import Record

__all__ = [
    "details",
    "facts",
    "line",
    "moment",
    "short",
]

WIDE = 110

_SHORT = 12

_COLORS = {
    State.DONE: "green",
    State.FAILED: "red",
    State.DEAD: "red",
    State.STALE: "yellow",
    State.INVALID: "yellow",
}


def short(fingerprint: str, width: int) -> str:
    """Give as much of *fingerprint* as fits; its beginning is enough for every command."""
    return fingerprint if width >= WIDE else fingerprint[:_SHORT]


def facts(record: Record) -> dict[str, object]:
    """Give *record* for JSON, without its body."""
    return {
        "fingerprint": record.fingerprint,
        "state": record.state.value,
        "event": record.event,
        "delivery_id": record.delivery_id,
        "received_at": to_iso(record.received_at),
        "finished_at": to_iso(record.finished_at),
        "secret": record.secret,
        "attempt": record.attempt,
        "handlers": dict(record.handlers),
        "waiting": {queue: list(names) for queue, names in record.waiting.items()},
        "attempts": dict(record.attempts),
        "reasons": dict(record.reasons),
    }


def line(record: Record, width: int) -> str:
    """Give *record* as one line, or stacked on a phone."""
    fingerprint = short(record.fingerprint, width)
    state = f"{record.state.value:<8}"
    cells = (fingerprint, state, record.event, format_age(record.received_at), _note(record))
    told = row(cells, (len(fingerprint), 8, 23, 6, 0), width)
    return told.replace(
        state.rstrip(), click.style(state.rstrip(), fg=_COLORS.get(record.state)), 1
    )


def details(record: Record, width: int) -> str:
    """Give all that is known of *record*."""
    rows = [(name, value) for name, value in _told(record) if value]
    return table(rows, max(width, 40))


def _note(record: Record) -> str:
    if record.reasons:
        return "; ".join(record.reasons.values())
    left = {name for names in record.waiting.values() for name in names} - set(record.handlers)
    if record.state is State.QUEUED and left:
        return f"waits for {', '.join(sorted(left))}"
    return ""


def _told(record: Record) -> Iterator[tuple[str, str]]:
    yield "fingerprint", record.fingerprint
    yield "state", record.state.value
    yield "event", record.event
    yield "delivery id", record.delivery_id or ""
    yield "received", moment(record.received_at)
    yield "finished", moment(record.finished_at)
    yield "signed with", record.secret
    yield "attempts", _attempts(record)
    for name, ending in record.handlers.items():
        yield "handler", f"{name}: {ending}"
    for queue, names in record.waiting.items():
        for name in names:
            if name not in record.handlers:
                yield "handler", f"{name}: to be run in queue {queue}"
    for queue, reason in record.reasons.items():
        yield "last failure", f"{reason} (queue {queue})" if queue else reason
    yield "body", f"{len(record.body)} bytes; --body shows them" if record.body else "was let go"


def _attempts(record: Record) -> str:
    queued = [f"{count} in queue {queue}" for queue, count in record.attempts.items()]
    return ", ".join([str(record.attempt) if record.attempt else "none", *queued])


def moment(when: datetime | None) -> str:
    """Say when something was; nothing for None."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC, {format_age(when)} ago" if when else ""
