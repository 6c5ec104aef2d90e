"""The names of the catalogue: listed, described and checked."""

from __future__ import annotations

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.formatting.views import Table
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.senders.florentin.events import CATALOGUE

__all__ = ["describe_event", "list_events", "validate_event"]


def list_events(out: Output) -> None:
    """Print the catalogue."""
    rows = [(name, describe_event(name)) for name in CATALOGUE]
    listed = [{"event": name, "description": text} for name, text in rows]
    out.emit({"events": listed}, Table(rows))


def validate_event(event: str, hint: str) -> None:
    """Raise UsageError for an *event* outside the catalogue; ``{}`` in *hint* is the closest."""
    if event in CATALOGUE:
        return
    match = closest_match(event, CATALOGUE)
    advice = hint.format(match) if match else f"List the events: {suggest('events')}"
    raise UsageError(f"There is no event {event!r}.", advice)


def describe_event(event: str) -> str:
    """Return the catalogue's sentence about *event*."""
    return (CATALOGUE[event].__doc__ or "").strip()
