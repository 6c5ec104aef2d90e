"""Send deliveries to a URL over HTTP, honest ones and others, and say what became of each."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.delivery_factory import DeliveryFactory
from florentin_webhooks.cli.errors import CLIError, StoreUnavailable, UsageError
from florentin_webhooks.cli.event_names import list_events, refuse_unknown
from florentin_webhooks.cli.formatting.tables import row
from florentin_webhooks.cli.inputs import receiver_name, secret_option, strong_secret
from florentin_webhooks.cli.invocation import command_prefix, suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.overrides import parse
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.florentin.signature import DELIVERY_ID_HEADER, EVENT_HEADER
from florentin_webhooks.testing.transport import Response, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["DEFAULT_URL", "command"]

DEFAULT_URL = "http://127.0.0.1:8000/webhooks/florentin"
_STALE = timedelta(days=1)
_SHORT_FINGERPRINT = 12
_WIDE = 100
_LONGEST_FOREIGN = 200
_ADVICE = {
    "invalid-signature": "the secret that the receiver has, and no --tamper",
    "stale": "without --stale; the receiver takes events of the last minutes",
    "malformed": "without --set, or {} events EVENT to see the payload",
    "invalid-event": "{} events EVENT --schema, to see what it must hold",
    "handler-failed": "the receiver's log, which names the handler that failed",
    "in-progress": "again in a moment",
    "unavailable": "the receiver's log; its store gave no answer",
    "too-large": "a smaller payload",
}


@click.command("trigger")
@click.argument("event", required=False)
@click.option("--to", "url", default=DEFAULT_URL, show_default=True, metavar="URL")
@click.option("--set", "texts", multiple=True, metavar="PATH=VALUE", help="Change the body.")
@click.option("--times", type=click.IntRange(1), default=1, help="Send N deliveries.", metavar="N")
@click.option("--duplicate", is_flag=True, help="Then send the same bytes again.")
@click.option("--restamp", is_flag=True, help="Then again: same delivery id, new timestamp.")
@click.option("--tamper", is_flag=True, help="Change the body after signing it.")
@click.option("--stale", is_flag=True, help="Stamp it a day ago.")
@click.option("--unknown", is_flag=True, help="Send EVENT even if the catalogue lacks it.")
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
    """Send EVENT, signed, to a URL, and print one line per request; without EVENT, list them.

    Ends with 1 if a request was not answered with 2xx, and with 4 if nobody answered.

    \b
      florentin-webhooks trigger invoice.created --set data.invoice.amount_due=0
    """
    if event is None:
        list_events(out)
        return
    if not unknown:
        refuse_unknown(event, f"{suggest('trigger')} {{}}, or --unknown to send it as it is")
    assignments = [parse(text) for text in texts]
    maker = DeliveryFactory(strong_secret(secret_file), receiver=receiver_name())
    answers: list[Response] = []
    for _ in range(times):
        age = _STALE if stale else timedelta(0)
        honest = maker.new(event, assignments=assignments, age=age)
        attempts = _attempts(maker, honest, duplicate=duplicate, restamp=restamp, tamper=tamper)
        answers += [_send(out, url, made, note, maker.fingerprint(made)) for note, made in attempts]
    _judge(answers)


def _attempts(
    maker: DeliveryFactory, honest: SignedDelivery, *, duplicate: bool, restamp: bool, tamper: bool
) -> Iterator[tuple[str, SignedDelivery]]:
    """Give what is sent, with a note; a retry is stamped when it is asked for."""

    def spoiled(made: SignedDelivery) -> SignedDelivery:
        return maker.tamper(made) if tamper else made

    first, suffix = spoiled(honest), ", tampered" * tamper
    yield suffix.removeprefix(", "), first
    if duplicate:
        yield f"same bytes again{suffix}", first
    if restamp:
        yield f"stamped anew{suffix}", spoiled(maker.restamp(honest))


def _send(out: Output, url: str, made: SignedDelivery, note: str, identity: str) -> Response:
    started = time.perf_counter()
    answer = _post(url, made)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    event = made.headers[EVENT_HEADER]
    record: dict[str, object] = {
        "event": event,
        "delivery_id": made.headers[DELIVERY_ID_HEADER],
        "fingerprint": identity,
        "status": answer.status,
        "outcome": answer.outcome,
        "milliseconds": milliseconds,
        "note": note,
    }
    shown = identity if out.line_width >= _WIDE else identity[:_SHORT_FINGERPRINT]
    result = f"{answer.status} {_printable(answer.outcome) or '-'}"
    cells = [event, shown, result, f"{milliseconds:.0f} ms", note]
    out.emit(record, row(cells, [len(event), len(shown), 14, 5, 0], out.line_width))
    return answer


def _post(url: str, made: SignedDelivery) -> Response:
    try:
        return post(url, made.headers, made.body)
    except ConfigurationError as error:
        message = str(error).partition(";")[0]
        next_step = f"--to {DEFAULT_URL}" if "URL" in message else "an EVENT of plain letters"
        raise UsageError(message, next_step) from None
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        message = f"nobody answers at {url}: {reason}"
        next_step = f"{suggest('dev', app='shop.hooks:hooks')}, in another terminal"
        raise StoreUnavailable(message, next_step) from None


def _judge(answers: list[Response]) -> None:
    refused = [answer for answer in answers if not 200 <= answer.status < 300]  # noqa: PLR2004
    if refused:
        message = f"{len(refused)} of {len(answers)} requests were not answered with 2xx"
        raise CLIError(message, _advice(refused[0]))


def _advice(answer: Response) -> str:
    if 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP's own numbers.
        headers = {name.lower(): value for name, value in answer.headers.items()}
        target = _printable(headers.get("location", "URL"))
        return f"--to {target}, since Florentin follows no redirect"
    if answer.status in (404, 405):
        return "another path; dev and demo serve /webhooks/florentin"
    advice = _ADVICE.get(answer.outcome, "the log of the program that answered")
    return advice.format(command_prefix())


def _printable(foreign: str) -> str:
    """Give what a stranger's server says in a form that cannot steer the terminal."""
    return ascii(foreign[:_LONGEST_FOREIGN])[1:-1]
