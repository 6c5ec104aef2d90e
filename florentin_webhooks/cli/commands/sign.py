"""Print the headers that a sender would send with exactly the bytes of a file."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex

import click

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.inputs import read_input, refuse_shared_stdin, secret_option
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.sender_context import SenderContext, SenderOptions, sender_options
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.base import Metadata, SigningBody
from florentin_webhooks.testing.provider import Provider, SignedDelivery

__all__ = ["command"]


@click.command("sign")
@click.argument("file")
@click.option("--event", help="The event header, by default the event of the body.")
@click.option("--delivery-id", help="The delivery id header, by default a new one.")
@click.option("--url", help="The URL that the sender calls, for senders that sign it.")
@secret_option
@sender_options
@with_output
def command(
    out: Output,
    file: str,
    event: str | None,
    delivery_id: str | None,
    url: str | None,
    secret_file: str | None,
    chosen: SenderOptions,
) -> None:
    """Print the headers that the sender would send with FILE (- for standard input).

    \b
      florentin-webhooks sign body.json > headers
      curl -H @headers --data-binary @body.json URL
    """
    refuse_shared_stdin(file, secret_file)
    context = chosen.open([secret_file] if secret_file else [])
    if isinstance(context.signing_scheme(), SigningBody):
        message = f"{context.sender.name} puts its signature into the body, not into headers."
        raise UsageError(message, f"Run: {suggest('trigger', 'EVENT', '--sender NAME')}")
    body = read_input(file)
    name, unique = event or _event(context, body), delivery_id or token_hex(12)
    provider = Provider(context.secrets, sender=context.sender, url=url)
    signed = provider.sign(name, body, delivery_id=unique)
    headers = signed.headers
    record = {"fingerprint": _fingerprint(context, signed, url), "headers": headers}
    out.emit(record, "\n".join(f"{name}: {value}" for name, value in headers.items()))


def _fingerprint(context: SenderContext, signed: SignedDelivery, url: str | None) -> str:
    """Return the fingerprint of *signed*. Raises UsageError where a receiver would refuse it."""
    try:
        return context.fingerprint_of(signed, url)
    except InvalidSignature:
        message = f"{context.sender.name} would not send this body to that URL."
        raise UsageError(message, "With a JSON body, Twilio's ends with bodySHA256=...") from None


def _event(context: SenderContext, body: bytes) -> str:
    """Return the event in *body*. Raises UsageError where it does not name one."""
    metadata = Metadata("", datetime.now(UTC))
    try:
        return context.sender.parse(body, metadata).event
    except (MalformedDelivery, ConfigurationError) as error:
        reason = f" ({error.reason})" if isinstance(error, MalformedDelivery) else ""
        hint = f"Name its event: {suggest('sign FILE --event invoice.created')}"
        raise UsageError(f"The body is not an event{reason}.", hint) from None
