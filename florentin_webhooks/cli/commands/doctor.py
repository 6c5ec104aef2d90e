"""Check the whole chain from the sender to the handlers, and print what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.doctor.check import Check
from florentin_webhooks.cli.doctor.inside import check_receiver, load_checked
from florentin_webhooks.cli.doctor.outside.url import check_url
from florentin_webhooks.cli.doctor.report import report
from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.host import AppArgument
from florentin_webhooks.cli.inputs import secret_option
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.sender_context import SenderContext, SenderOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["command"]

_MAX_BODY = 1_048_576
"""The limit of a receiver that was not configured otherwise."""
_ADDRESS = re.compile(r"[\w.-]+:\d+(?:/.*)?")
"""A URL without its scheme."""


@click.command("doctor", cls=Command)
@click.argument("app", cls=AppArgument, required=False)
@click.argument("url", required=False)
@click.option("--probe", is_flag=True, help="Send signed probes to URL; no handler runs.")
@click.option("--sender", metavar="NAME", help="The sender to sign as, as for trigger.")
@secret_option
@with_output
def command(
    out: Output,
    app: str | None,
    url: str | None,
    *,
    probe: bool,
    sender: str | None,
    secret_file: str | None,
) -> None:
    """Check why deliveries fail, and print what to do about it.

    With APP the receiver is checked from inside: secrets, handlers, store, queues. With URL it is
    checked from outside, by an unsigned request, which it must refuse. Exits with 1 if a check
    fails; a warning is not a failure.

    \b
      florentin-webhooks doctor shop.hooks:hooks https://shop.example/webhooks/florentin
    """
    if app and url is None and "://" in app:
        app, url = None, app
    _refuse_incomplete(app, url, probe=probe)
    hooks = load_checked(app) if app else None
    context = None
    if probe and not isinstance(hooks, Check):
        chosen = SenderOptions(sender, app)
        context = chosen.open([secret_file] if secret_file else [])
    report(out, _checks(hooks, app, url, context))


def _refuse_incomplete(app: str | None, url: str | None, *, probe: bool) -> None:
    if not (app or url):
        message = "There is nothing to check: name a receiver, a URL, or both."
        raise UsageError(message, f"Run: {suggest('doctor', 'shop.hooks:hooks')}")
    if app and _ADDRESS.fullmatch(app):
        message = f"{app!r} is neither a receiver nor a URL."
        raise UsageError(message, f"Run: {suggest('doctor', f'http://{app}')}")
    if probe and not url:
        message = "The URL for the probes is missing."
        raise UsageError(message, f"Run: {suggest('doctor', 'URL', '--probe', app=app or '')}")


def _checks(
    hooks: Receiver[object] | Check | None,
    app: str | None,
    url: str | None,
    context: SenderContext | None,
) -> Iterator[Check]:
    max_body = _MAX_BODY
    if isinstance(hooks, Check):
        yield hooks
    elif hooks is not None and app:
        max_body = hooks.max_body
        yield from check_receiver(hooks, app)
    if url:
        yield from check_url(url, context, max_body)
