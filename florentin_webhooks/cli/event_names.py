"""List the events of the catalogue, and refuse an unknown name."""

from __future__ import annotations

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.formatting.tables import table
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.senders.florentin.events import CATALOGUE

__all__ = [
    "describe_event",
    "list_events",
    "refuse_unknown",
]


def list_events(out: Output) -> None:
    """Print the catalogue."""
    rows = [(name, describe_event(name)) for name in CATALOGUE]
    listed = [{"event": name, "description": text} for name, text in rows]
    out.emit({"events": listed}, table(rows, out.width))


def refuse_unknown(event: str, next_step: str) -> None:
    """Refuse an *event* that the catalogue does not have; ``{}`` in *next_step* is the nearest."""
    if event not in CATALOGUE:
        near = closest_match(event, CATALOGUE)
        step = next_step.format(near) if near else f"{suggest('events')}, for their names"
        raise UsageError(f"there is no event {event!r}", step)


def describe_event(event: str) -> str:
    """Return the catalogue's sentence about *event*."""
    return (CATALOGUE[event].__doc__ or "").strip()
