"""Records of deliveries as rows, in full, or as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.cli.formatting.views import Styled, Table
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Status
from florentin_webhooks.core.times import format_age, format_due, format_time, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.cli.formatting.views import Cell
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["details", "record_fields", "record_row", "shorten"]

_WIDE = 110
_SHORT = 12
_STYLES = {
    Status.DONE: "green",
    Status.FAILED: "red",
    Status.DEAD: "red",
    Status.STALE: "yellow",
    Status.INVALID: "yellow",
}


def shorten(fingerprint: str, width: int) -> str:
    """Return as much of *fingerprint* as fits; commands accept the first digits."""
    return fingerprint if width >= _WIDE else fingerprint[:_SHORT]


def record_fields(record: Record) -> dict[str, object]:
    """Return *record* for JSON, without its body."""
    return {
        "fingerprint": record.fingerprint,
        "state": record.status(datetime.now(UTC)).value,
        "event": record.event,
        "delivery_id": record.delivery_id,
        "received_at": to_iso(record.received_at),
        "finished_at": to_iso(record.finished_at),
        "secret": record.secret,
        "attempt": record.attempt,
        "handlers": dict(record.handlers),
        "waiting": {queue: list(names) for queue, names in record.waiting.items()},
        "attempts": dict(record.attempts),
        "next_attempts": {queue: to_iso(due) for queue, due in record.next_attempts.items()},
        "reasons": dict(record.reasons),
        "discarded": dict(record.notes),
    }


def record_row(record: Record, width: int) -> Sequence[Cell]:
    """Return *record* as a row: fingerprint, state, event, age, and why it is not done."""
    status = record.status(datetime.now(UTC))
    state = Styled(status.value, _STYLES.get(status, ""))
    fingerprint = shorten(record.fingerprint, width)
    return fingerprint, state, record.event, format_age(record.received_at), _note(record, status)


def details(record: Record, inline: Sequence[str] = ()) -> Table:
    """Return all fields of *record* that have a value; *inline* are its inline handlers."""
    return Table([(name, value) for name, value in _details(record, inline) if value])


def _note(record: Record, status: Status) -> str:
    if status is Status.SCHEDULED:
        due = format_due(min(record.next_attempts.values()))
        return "; ".join([f"next attempt {due}", *record.reasons.values()])
    if record.reasons:
        return "; ".join(record.reasons.values())
    queued = {name for names in record.waiting.values() for name in names}
    unfinished = queued - set(record.handlers)
    if status is Status.QUEUED and unfinished:
        return f"waits for {', '.join(sorted(unfinished))}"
    if status is Status.FAILED:
        return "its process ended while its handlers ran"
    return "; ".join(f"{name} discarded it: {note}" for name, note in record.notes.items())


def _details(record: Record, inline: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "fingerprint", record.fingerprint
    yield "state", record.status(datetime.now(UTC)).value
    yield "event", record.event
    yield "delivery id", record.delivery_id or ""
    yield "received", format_time(record.received_at)
    yield "finished", format_time(record.finished_at)
    yield "signed with", record.secret
    yield "attempts", _attempts(record)
    for name, outcome in record.handlers.items():
        note = record.notes.get(name)
        yield "handler", f"{name}: {outcome}, {note}" if note else f"{name}: {outcome}"
    for queue, names in {"": inline, **record.waiting}.items():
        for name in names:
            if name not in record.handlers:
                yield "handler", f"{name}: {_progress(record, queue)}"
    for queue, reason in record.reasons.items():
        yield "last failure", f"{reason} (queue {queue})" if queue else reason
    yield "body", f"{len(record.body)} bytes; --body shows them" if record.body else "deleted"


def _progress(record: Record, queue: str) -> str:
    """Return what the unfinished handlers of *queue* do, their attempts, and the next one."""
    now = datetime.now(UTC)
    attempts = record.attempts.get(queue, 0) if queue else record.attempt
    due, lease = record.next_attempts.get(queue), record.leases.get(queue)
    place = f" in queue {queue}" if queue else ""
    if lease is not None and lease > now:
        return f"runs{place}, attempt {attempts}"
    known = [f"{attempts} attempt{'s' * (attempts != 1)}"] * bool(attempts)
    if due is not None:
        known.append(f"next attempt {due:%Y-%m-%d %H:%M:%S} UTC, {format_due(due)}")
    waits = queue and record.state is not State.DEAD
    return ", ".join([f"waits{place}" if waits else f"not done{place}", *known])


def _attempts(record: Record) -> str:
    queued = [f"{count} in queue {queue}" for queue, count in record.attempts.items()]
    return ", ".join([str(record.attempt) if record.attempt else "none", *queued])
