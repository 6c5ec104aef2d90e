"""List what was received, show one delivery in full, do deliveries again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from florentin_webhooks.cli.app import Group
from florentin_webhooks.cli.context import open_receiver
from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.formatting.records import details, facts, line
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.prompts import confirm, yes_option
from florentin_webhooks.cli.replay import replay_all
from florentin_webhooks.cli.selection import Filter, resolve, select, with_filter
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, body_of

__all__ = ["command"]

_LIMIT = 20
_MOST = 1_000_000


@click.group("deliveries", cls=Group, no_args_is_help=False)
def command() -> None:
    """List what was received, show one delivery in full, do deliveries again."""


@command.command("list")
@app_argument
@click.option("--limit", type=click.IntRange(1), default=_LIMIT, show_default=True, metavar="N")
@with_filter
@with_output
def list_(out: Output, app: str, limit: int, wanted: Filter) -> None:
    """List deliveries of the receiver APP (shop.hooks:hooks), the newest first.

    Shown are all that are not done, and the newest of those that are, as many as the store keeps.
    """
    found = 0
    for record in select(open_receiver(app), wanted, limit):
        out.emit(facts(record), line(record, out.line_width))
        found += 1
    if not found:
        out.info("There is no such delivery." if wanted else "Nothing was received yet.")
    if found == limit:
        out.info(f"These are the newest {limit}; --limit N shows more.")


@command.command("show")
@app_argument
@click.argument("fingerprint")
@click.option("--body", is_flag=True, help="Show the body, too: it may hold personal data.")
@with_output
def show(out: Output, app: str, fingerprint: str, *, body: bool) -> None:
    """Show all that is known of the delivery FINGERPRINT, or the one that begins with it."""
    shop = open_receiver(app)
    whole = resolve(shop, [fingerprint])[0]
    record = shop.store.execute(GetRecord(bytes.fromhex(whole)))
    if record is None:
        raise CLIError(f"nothing is known of {whole}", suggest("deliveries list", app=app))
    told, text = facts(record), details(record, out.width)
    if body:
        content = body_of(record) if record.body else None
        told["body"] = content
        text += "\n\n" + json.dumps(content, indent=2, ensure_ascii=False)
    out.emit(told, text)


@command.command("replay")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@with_filter
@click.option("--limit", type=click.IntRange(1), default=_MOST, metavar="N", help="N at most.")
@click.option("--all-handlers", is_flag=True, help="Run handlers again that are done, too.")
@yes_option
@with_output
def replay(
    out: Output,
    app: str,
    fingerprints: Sequence[str],
    wanted: Filter,
    limit: int,
    *,
    all_handlers: bool,
    yes: bool,
) -> None:
    """Do deliveries again: those that are named, or all that the filters find.

    Runs the handlers that have not finished: inline ones here, queued ones in the workers, with
    all their retries. Asks before it replays what the filters find, before --all-handlers, and
    for a stale delivery that is older than the store's memory.
    """
    _refuse_vague(fingerprints, wanted, app, all_handlers=all_handlers)
    shop = open_receiver(app)
    if fingerprints:
        chosen = resolve(shop, fingerprints)
    else:
        chosen = [record.fingerprint for record in select(shop, wanted, limit)]
    if not chosen:
        out.info("There is no such delivery.")
        return
    if all_handlers or not fingerprints:
        what = "Run all handlers again, also those that are done, of" if all_handlers else "Replay"
        confirm(f"{what} {len(chosen)} deliver{'y' if len(chosen) == 1 else 'ies'}?", yes=yes)
    replay_all(out, shop, chosen[::-1], all_handlers=all_handlers, yes=yes)


def _refuse_vague(
    fingerprints: Sequence[str], wanted: Filter, app: str, *, all_handlers: bool
) -> None:
    replay = suggest("deliveries replay", app=app)
    if bool(fingerprints) == bool(wanted):
        message = "name fingerprints or filters, and not both"
        raise UsageError(message, f"{replay} --state failed")
    if not fingerprints and wanted.state is None:
        raise UsageError("which state shall be replayed is not said", f"{replay} --state failed")
    if wanted.state is State.DONE and not all_handlers:
        message = "what is done has no handler left to run"
        raise UsageError(message, f"{replay} --state done --all-handlers")
