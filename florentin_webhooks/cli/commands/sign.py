"""Print the headers that Florentin would send with exactly the bytes of a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from secrets import token_hex
from typing import cast

import click

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.inputs import (
    read_input,
    read_strong_secret,
    recorded_fingerprint,
    refuse_shared_stdin,
    secret_option,
)
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.senders.florentin.signature import FlorentinSignature

__all__ = ["command"]


@click.command("sign")
@click.argument("file")
@click.option("--event", help="The event header, by default the event of the body.")
@click.option("--delivery-id", help="The delivery id header, by default a new one.")
@secret_option
@with_output
def command(
    out: Output, file: str, event: str | None, delivery_id: str | None, secret_file: str | None
) -> None:
    """Print the headers that Florentin would send with FILE (- for standard input).

    \b
      florentin-webhooks sign body.json > headers
      curl -H @headers --data-binary @body.json URL
    """
    refuse_shared_stdin(file, secret_file)
    secret = read_strong_secret(secret_file)
    signature = FlorentinSignature(secret)
    body = read_input(file)
    headers = {
        "Content-Type": "application/json",
        **signature.sign(
            body,
            event=event or _event(body),
            delivery_id=delivery_id or token_hex(12),
            timestamp=datetime.now(UTC),
        ),
    }
    record = {"fingerprint": recorded_fingerprint(secret, body), "headers": headers}
    out.emit(record, "\n".join(f"{name}: {value}" for name, value in headers.items()))


def _event(body: bytes) -> str:
    try:
        event = cast("object", json.loads(body)["event"])
    except (ValueError, KeyError, TypeError, RecursionError):
        event = None
    if isinstance(event, str) and event.isprintable():
        return event
    hint = f"Run: {suggest('sign FILE --event invoice.created')}"
    raise UsageError("The body does not name its event.", hint)
