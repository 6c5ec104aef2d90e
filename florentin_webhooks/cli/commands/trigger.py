"""Send signed deliveries to a URL, valid ones and others, and print each reply."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import click

from florentin_webhooks.cli.errors import CLIError, StoreUnavailable, UsageError
from florentin_webhooks.cli.event_names import list_events, validate_event
from florentin_webhooks.cli.formatting.records import shorten
from florentin_webhooks.cli.formatting.views import Table
from florentin_webhooks.cli.host import current_host
from florentin_webhooks.cli.inputs import read_strong_secret, recorded_fingerprint, secret_option
from florentin_webhooks.cli.invocation import command_prefix, suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.overrides import Override, apply_override, parse_override
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.florentin.signature import DELIVERY_ID_HEADER, EVENT_HEADER
from florentin_webhooks.testing.provider import Provider
from florentin_webhooks.testing.transport import Response, post

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["DEFAULT_URL", "command"]

DEFAULT_URL = "http://127.0.0.1:8000/webhooks/florentin"
_STALE = timedelta(days=1)
_LONGEST_FOREIGN = 200
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
@with_output
def command(
    out: Output,
    event: str | None,
    url: str,
    texts: tuple[str, ...],
    times: int,
    secret_file: str | None,
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
    if event is None:
        list_events(out)
        return
    if not unknown:
        validate_event(event, f"Run: {suggest('trigger')} {{}} (or add --unknown)")
    overrides = [parse_override(text) for text in texts]
    secret = read_strong_secret(secret_file)
    replies: list[Response] = []
    for _ in range(times):
        original = _create(secret, event, overrides, age=_STALE if stale else timedelta(0))
        attempts = _attempts(Provider(secret), original, duplicate=duplicate, restamp=restamp)
        for note, delivery in attempts:
            sent = Provider(secret).tamper(delivery) if tamper else delivery
            notes = filter(None, [note, "tampered" * tamper])
            digest = recorded_fingerprint(secret, sent.body)
            replies.append(_send(out, url, sent, ", ".join(notes), digest))
    _raise_for_refused(replies)


def _create(
    secret: Mapping[str, bytes], event: str, overrides: Sequence[Override], *, age: timedelta
) -> SignedDelivery:
    provider = Provider(secret, clock=lambda: datetime.now(UTC) - age, check_names=False)
    delivery = provider.make(event)
    if not overrides:
        return delivery
    envelope = cast("dict[str, Any]", json.loads(delivery.body))  # Any: JSON.
    for override in overrides:
        apply_override(envelope, override)
    delivery_id = delivery.headers[DELIVERY_ID_HEADER]
    return provider.sign(event, json.dumps(envelope).encode(), delivery_id=delivery_id)


def _attempts(
    provider: Provider, original: SignedDelivery, *, duplicate: bool, restamp: bool
) -> Iterator[tuple[str, SignedDelivery]]:
    """Yield each attempt with a note; a retry gets its timestamp when it is sent."""
    yield "", original
    if duplicate:
        yield "duplicate", original
    if restamp:
        yield "re-stamped", provider.restamp(original)


def _send(out: Output, url: str, delivery: SignedDelivery, note: str, digest: str) -> Response:
    started = time.perf_counter()
    reply = _post(url, delivery)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    event = delivery.headers[EVENT_HEADER]
    record: dict[str, object] = {
        "event": event,
        "delivery_id": delivery.headers[DELIVERY_ID_HEADER],
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
        reason = error.strerror or str(error) or type(error).__name__
        raise StoreUnavailable(f"No answer from {url}: {reason}.", _unserved(url)) from None


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


def _raise_for_refused(replies: Sequence[Response]) -> None:
    refused = [reply for reply in replies if not 200 <= reply.status < 300]  # noqa: PLR2004
    if refused:
        message = f"{len(refused)} of {len(replies)} replies were not 2xx."
        raise CLIError(message, _hint(refused[0]))


def _hint(reply: Response) -> str:
    if 300 <= reply.status < 400:  # noqa: PLR2004 - HTTP's own numbers.
        headers = {name.lower(): value for name, value in reply.headers.items()}
        target = _printable(headers.get("location", "URL"))
        return f"Florentin follows no redirects. Use: --to {target}"
    if reply.status in (404, 405):
        return "Use another path; dev and demo serve /webhooks/florentin."
    hint = _HINTS.get(reply.outcome, "See the log of the program that replied.")
    return hint.format(command_prefix())


def _printable(foreign: str) -> str:
    """Return text of a foreign server in a form that cannot steer the terminal."""
    return ascii(foreign[:_LONGEST_FOREIGN])[1:-1]
