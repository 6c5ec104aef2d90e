"""Send signed deliveries to a URL, valid ones and others, and print each reply."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import product
from ssl import SSLError
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import click

from florentin_webhooks.cli.errors import CLIError, StoreUnavailable, UsageError
from florentin_webhooks.cli.event_names import list_events, validate_event
from florentin_webhooks.cli.formatting.records import shorten
from florentin_webhooks.cli.formatting.views import Table
from florentin_webhooks.cli.host import current_host
from florentin_webhooks.cli.inputs import secret_option
from florentin_webhooks.cli.invocation import command_prefix, suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.overrides import Override, apply_override, parse_override
from florentin_webhooks.cli.sender_context import SenderContext, SenderOptions, sender_options
from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.testing.provider import Provider
from florentin_webhooks.testing.transport import Response, post

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["DEFAULT_URL", "command"]

DEFAULT_URL = "http://127.0.0.1:8000/webhooks/florentin"
_STALE = timedelta(days=1)
_LONGEST_FOREIGN = 200
_TLS = "Use http:// if the server has no TLS, and a certificate that this machine trusts if it has."
_HINTS = {
    "invalid-signature": "Use the secret of the receiver, and no --tamper.",
    "stale": "Leave out --stale: the receiver accepts events of the last minutes.",
    "malformed": "Leave out --set. To see the payload, run: {} events EVENT",
    "invalid-event": "To see what the event must contain, run: {} events EVENT --schema",
    "handler-failed": "See the log of the receiver, which names the handler that failed.",
    "in-progress": "Try again in a moment.",
    "unavailable": "See the log of the receiver: its store did not answer.",
    "too-large": "Send a smaller payload.",
}


@click.command("trigger")
@click.argument("event", required=False)
@click.option("--to", "url", default=DEFAULT_URL, show_default=True, metavar="URL")
@click.option("--set", "texts", multiple=True, metavar="PATH=VALUE", help="Change the body.")
@click.option("--times", type=click.IntRange(1), default=1, help="Send N deliveries.", metavar="N")
@click.option("--duplicate", is_flag=True, help="Send the same bytes again.")
@click.option("--restamp", is_flag=True, help="Send again with the same id and a new timestamp.")
@click.option("--tamper", is_flag=True, help="Change the body after signing it.")
@click.option("--stale", is_flag=True, help="Use a timestamp of yesterday.")
@click.option("--unknown", is_flag=True, help="Send EVENT even if it is not in the catalogue.")
@secret_option
@sender_options
@with_output
def command(
    out: Output,
    event: str | None,
    url: str,
    texts: tuple[str, ...],
    times: int,
    secret_file: str | None,
    chosen: SenderOptions,
    *,
    duplicate: bool,
    restamp: bool,
    tamper: bool,
    stale: bool,
    unknown: bool,
) -> None:
    """Send EVENT, signed, to a URL and print each reply; without EVENT, list the events.

    Exits with 1 if a reply is not 2xx, and with 4 if there is no reply.

    \b
      florentin-webhooks trigger invoice.created --set data.invoice.amount_due=0
    """
    context = _context(out, chosen, event, secret_file)
    if context is None or event is None:
        return
    if context.is_default and not unknown:
        validate_event(event, f"Run: {suggest('trigger')} {{}} (or add --unknown)")
    overrides = [parse_override(text) for text in texts]
    provider = _provider(context, url, _STALE if stale else timedelta(0))
    replies: list[Response] = []
    for _ in range(times):
        original = _create(provider, event, overrides)
        attempts = _attempts(
            _provider(context, url), original, duplicate=duplicate, restamp=restamp
        )
        for note, delivery in attempts:
            sent = provider.tamper(delivery) if tamper else delivery
            notes = filter(None, [note, "tampered" * tamper])
            replies.append(_send(out, url, context, event, sent, ", ".join(notes)))
    _raise_for_refused(replies, context.sender.name)


def _context(
    out: Output, chosen: SenderOptions, event: str | None, secret_file: str | None
) -> SenderContext | None:
    """Return the sender; list the events of Florentin where *event* is missing."""
    if event is None and not (chosen.sender or chosen.app):
        list_events(out)
        return None
    context = chosen.open([secret_file] if secret_file else [])
    if event is None:
        message = f"The event of {context.sender.name} is missing."
        raise UsageError(message, f"Run: {suggest('trigger', 'EVENT', '--sender NAME')}")
    context.signing_scheme()
    return context


def _provider(context: SenderContext, url: str, age: timedelta = timedelta(0)) -> Provider:
    return Provider(
        context.secrets,
        sender=context.sender,
        url=url,
        clock=lambda: datetime.now(UTC) - age,
        check_names=False,
    )


def _create(provider: Provider, event: str, overrides: Sequence[Override]) -> SignedDelivery:
    delivery = provider.make(event)
    if not overrides:
        return delivery
    try:
        payload = json.loads(delivery.body)
    except ValueError:
        message = f"The body of {provider.sender.name} is not JSON."
        raise UsageError(message, "Leave out --set.") from None
    # Any: JSON, a list at SendGrid.
    items = cast("list[dict[str, Any]]", payload if isinstance(payload, list) else [payload])
    for item, override in product(items, overrides):
        apply_override(item, override)
    body = json.dumps(payload).encode()
    return provider.sign(delivery.event, body, delivery_id=delivery.delivery_id)


def _attempts(
    provider: Provider, original: SignedDelivery, *, duplicate: bool, restamp: bool
) -> Iterator[tuple[str, SignedDelivery]]:
    """Yield each attempt with a note; a retry gets its timestamp when it is sent."""
    yield "", original
    if duplicate:
        yield "duplicate", original
    if restamp:
        yield "re-stamped", provider.restamp(original)


def _send(
    out: Output, url: str, context: SenderContext, event: str, delivery: SignedDelivery, note: str
) -> Response:
    try:
        digest = context.fingerprint_of(delivery, url)
    except InvalidSignature:  # It was tampered with.
        digest = context.fingerprint(delivery.body, delivery.delivery_id)
    started = time.perf_counter()
    reply = _post(url, delivery)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    record: dict[str, object] = {
        "event": event,
        "delivery_id": delivery.delivery_id,
        "fingerprint": digest,
        "status": reply.status,
        "outcome": reply.outcome,
        "milliseconds": milliseconds,
        "note": note,
    }
    result = f"{reply.status} {_printable(reply.outcome) or '-'}"
    row = event, shorten(digest, out.width), result, f"{milliseconds:.0f} ms", note
    out.emit(record, Table([row], (len(event), 0, 14, 5, 0)))
    return reply


def _post(url: str, delivery: SignedDelivery) -> Response:
    try:
        return post(url, delivery.headers, delivery.body)
    except ConfigurationError as error:
        raise UsageError(error.message, error.hint or f"Use: --to {DEFAULT_URL}") from None
    except OSError as error:
        reason = (error.strerror or str(error) or type(error).__name__).rstrip(".")
        hint = _TLS if isinstance(error, SSLError) else _unserved(url)
        raise StoreUnavailable(f"No answer from {url}: {reason}.", hint) from None


def _unserved(url: str) -> str:
    """Return the hint for a *url* without a server: serve it, at its port, or use another one."""
    port = urlsplit(url).port
    words = ["--port", str(port)] if port and url != DEFAULT_URL else []
    serve = f"another terminal, run: {suggest('dev', *words, app='shop.hooks:hooks')}"
    if current_host():
        return (
            f"Start your program, or use its address with --to. To serve only webhooks, in {serve}"
        )
    return f"In {serve}"


def _raise_for_refused(replies: Sequence[Response], sender: str) -> None:
    refused = [reply for reply in replies if not 200 <= reply.status < 300]  # noqa: PLR2004
    if refused:
        message = f"{len(refused)} of {len(replies)} replies were not 2xx."
        raise CLIError(message, _hint(refused[0], sender))


def _hint(reply: Response, sender: str) -> str:
    if 300 <= reply.status < 400:  # noqa: PLR2004 - HTTP's own numbers.
        headers = {name.lower(): value for name, value in reply.headers.items()}
        target = _printable(headers.get("location", "URL"))
        return f"{sender} follows no redirects. Use: --to {target}"
    if reply.status in (404, 405):
        return "Use another path; dev and demo serve /webhooks/florentin."
    hint = _HINTS.get(reply.outcome, "See the log of the program that replied.")
    return hint.format(command_prefix())


def _printable(foreign: str) -> str:
    """Return text of a foreign server in a form that cannot steer the terminal."""
    return ascii(foreign[:_LONGEST_FOREIGN])[1:-1]
