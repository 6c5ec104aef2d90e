"""Records of deliveries as rows, in full, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.formatting.views import Styled, Table
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.times import format_age, format_time, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.cli.formatting.views import Cell
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["details", "record_fields", "record_row", "shorten"]

_WIDE = 110
_SHORT = 12
_STYLES = {
    State.DONE: "green",
    State.FAILED: "red",
    State.DEAD: "red",
    State.STALE: "yellow",
    State.INVALID: "yellow",
}


def shorten(fingerprint: str, width: int) -> str:
    """Return as much of *fingerprint* as fits; commands accept the first digits."""
    return fingerprint if width >= _WIDE else fingerprint[:_SHORT]


def record_fields(record: Record) -> dict[str, object]:
    """Return *record* for JSON, without its body."""
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


def record_row(record: Record, width: int) -> Sequence[Cell]:
    """Return *record* as a row: fingerprint, state, event, age, and why it is not done."""
    state = Styled(record.state.value, _STYLES.get(record.state, ""))
    fingerprint = shorten(record.fingerprint, width)
    return fingerprint, state, record.event, format_age(record.received_at), _note(record)


def details(record: Record) -> Table:
    """Return all fields of *record* that have a value."""
    return Table([(name, value) for name, value in _details(record) if value])


def _note(record: Record) -> str:
    if record.reasons:
        return "; ".join(record.reasons.values())
    queued = {name for names in record.waiting.values() for name in names}
    unfinished = queued - set(record.handlers)
    if record.state is State.QUEUED and unfinished:
        return f"waits for {', '.join(sorted(unfinished))}"
    return ""


def _details(record: Record) -> Iterator[tuple[str, str]]:
    yield "fingerprint", record.fingerprint
    yield "state", record.state.value
    yield "event", record.event
    yield "delivery id", record.delivery_id or ""
    yield "received", format_time(record.received_at)
    yield "finished", format_time(record.finished_at)
    yield "signed with", record.secret
    yield "attempts", _attempts(record)
    for name, outcome in record.handlers.items():
        yield "handler", f"{name}: {outcome}"
    for queue, names in record.waiting.items():
        for name in names:
            if name not in record.handlers:
                yield "handler", f"{name}: waits in queue {queue}"
    for queue, reason in record.reasons.items():
        yield "last failure", f"{reason} (queue {queue})" if queue else reason
    yield "body", f"{len(record.body)} bytes; --body shows them" if record.body else "deleted"


def _attempts(record: Record) -> str:
    queued = [f"{count} in queue {queue}" for queue, count in record.attempts.items()]
    return ", ".join([str(record.attempt) if record.attempt else "none", *queued])
