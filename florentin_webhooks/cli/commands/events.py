"""List the catalogue, or show one event: a sample body, or its JSON schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from florentin_webhooks.cli.event_names import describe_event, list_events, validate_event
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.senders.florentin.events import CATALOGUE
from florentin_webhooks.senders.florentin.samples import sample
from florentin_webhooks.senders.florentin.signature import iso_timestamp

__all__ = ["command"]


@click.command("events")
@click.argument("event", required=False)
@click.option("--schema", is_flag=True, help="Show the JSON schema instead of a sample.")
@with_output
def command(out: Output, event: str | None, *, schema: bool) -> None:
    """List the events, or show one of them: a sample body, or its schema.

    The sample is a complete body for sign and for your own tests. Florentin documents only the
    fields of invoice.created; all others are plausible.
    """
    if event is not None:
        validate_event(event, f"Run: {suggest('events', '{}', *['--schema'] * schema)}")
        _show(out, event, schema=schema)
    elif schema:
        schemas = {name: model.model_json_schema() for name, model in CATALOGUE.items()}
        out.emit({"schemas": schemas}, _indent(schemas))
    else:
        list_events(out)


def _show(out: Output, event: str, *, schema: bool) -> None:
    record: dict[str, object] = {"event": event, "description": describe_event(event)}
    if schema:
        model: dict[str, Any] = CATALOGUE[event].model_json_schema()  # Any: JSON.
        out.emit({**record, "schema": model}, _indent(model))
        return
    timestamp = iso_timestamp(datetime.now(UTC))
    body = {"event": event, "timestamp": timestamp, "data": sample(event)}
    out.emit({**record, "sample": body}, _indent(body))


def _indent(value: object) -> str:
    return json.dumps(value, indent=2)
