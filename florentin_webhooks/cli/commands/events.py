"""List the catalogue, or show one event: a sample body, or its JSON schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from florentin_webhooks._nearest import nearest
from florentin_webhooks.cli.failures import Misuse
from florentin_webhooks.cli.invocation import typed
from florentin_webhooks.cli.layout import table
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.events import CATALOGUE
from florentin_webhooks.samples import sample
from florentin_webhooks.signatures import iso_timestamp

__all__ = ["command", "list_events", "refuse_unknown"]


@click.command("events")
@click.argument("event", required=False)
@click.option("--schema", is_flag=True, help="Show the JSON schema instead of a sample.")
@with_output
def command(out: Output, event: str | None, *, schema: bool) -> None:
    """List the events, or show one of them: a sample body, or its schema.

    The sample is a whole body, ready for sign and for your own tests. Only the documented fields
    of invoice.created are Florentin's word; all others are plausible.
    """
    if event is not None:
        refuse_unknown(event, typed("events", "{}", *["--schema"] * schema))
        _show(out, event, schema=schema)
    elif schema:
        schemas = {name: model.model_json_schema() for name, model in CATALOGUE.items()}
        out.emit({"schemas": schemas}, _pretty(schemas))
    else:
        list_events(out)


def list_events(out: Output) -> None:
    """Print the catalogue."""
    rows = [(name, _description(name)) for name in CATALOGUE]
    listed = [{"event": name, "description": text} for name, text in rows]
    out.emit({"events": listed}, table(rows, out.width))


def refuse_unknown(event: str, next_step: str) -> None:
    """Refuse an *event* that the catalogue does not have; ``{}`` in *next_step* is the nearest."""
    if event not in CATALOGUE:
        near = nearest(event, CATALOGUE)
        step = next_step.format(near) if near else f"{typed('events')}, for their names"
        raise Misuse(f"there is no event {event!r}", step)


def _show(out: Output, event: str, *, schema: bool) -> None:
    record: dict[str, object] = {"event": event, "description": _description(event)}
    if schema:
        shown: dict[str, Any] = CATALOGUE[event].model_json_schema()  # Any: JSON.
        out.emit({**record, "schema": shown}, _pretty(shown))
        return
    stamp = iso_timestamp(datetime.now(UTC))
    shown = {"event": event, "timestamp": stamp, "data": sample(event)}
    out.emit({**record, "sample": shown}, _pretty(shown))


def _description(event: str) -> str:
    return (CATALOGUE[event].__doc__ or "").strip()


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2)
