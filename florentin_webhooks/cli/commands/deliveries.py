"""List, show, replay and export received deliveries."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Group
from florentin_webhooks.cli.context import open_receiver
from florentin_webhooks.cli.errors import CLIError, ExitCode, UsageError
from florentin_webhooks.cli.formatting.records import details, record_fields, record_row
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.prompts import confirm, yes_option
from florentin_webhooks.cli.replay import replay_all
from florentin_webhooks.cli.selection import (
    Filter,
    Selection,
    resolve,
    select,
    with_filter,
)
from florentin_webhooks.core.replay import plan_record
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, Record, Status, body_of
from florentin_webhooks.core.times import to_iso
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.captures import Capture, capture_record
from florentin_webhooks.testing.redaction import KEPT, Redaction

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext

__all__ = ["command"]

_LIMIT = 20
_SECONDS = 0.3
"""How long a list searches at most; all of it where its exit code counts."""
_REPLAY_LIMIT = 1_000_000


@click.group("deliveries", cls=Group, no_args_is_help=False)
def command() -> None:
    """List, show, replay and export received deliveries."""


@command.command("list")
@app_argument
@click.option("--limit", type=click.IntRange(1), default=_LIMIT, show_default=True, metavar="N")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there is any.")
@with_filter
@with_output
def list_(out: Output, app: str, limit: int, wanted: Filter, *, exit_code: bool) -> None:
    """List deliveries, the newest first.

    Shows all deliveries that are not done, and of those that are done as many as the store keeps.
    """
    records = Selection(open_receiver(app), wanted, limit, None if exit_code else _SECONDS)
    count = out.emit_rows(
        (record_fields(record), record_row(record, out.width)) for record in records
    )
    if records.searched_until:
        until = to_iso(records.searched_until)
        out.info(f"Searched the deliveries since {until}. To go on, add --until {until}")
    elif not count:
        out.info("No delivery matches." if wanted else "No delivery was received yet.")
    if count == limit:
        out.info(f"These are the newest {limit}. For more, add --limit N.")
    if count and exit_code:
        raise click.exceptions.Exit(ExitCode.FAILED)


@command.command("show")
@app_argument
@click.argument("delivery")
@click.option("--body", is_flag=True, help="Show the body too; it may hold personal data.")
@with_output
def show(out: Output, app: str, delivery: str, *, body: bool) -> None:
    """Show one delivery in full, with its handlers, their attempts and the next one.

    DELIVERY is a fingerprint, also of a retry with a new timestamp, its first digits, or a
    delivery id.
    """
    context = open_receiver(app)
    whole = resolve(context, [delivery])[0]
    record = context.store.execute(GetRecord(bytes.fromhex(whole)))
    if record is None:
        hint = f"List fingerprints: {suggest('deliveries list', app=app)}"
        raise CLIError(f"There is no delivery {whole}.", hint)
    shown = details(record, _inline_handlers(context, record))
    if not body:
        out.emit(record_fields(record), shown)
        return
    content = body_of(record) if record.body else None
    text = json.dumps(content, indent=2, ensure_ascii=False)
    out.emit({**record_fields(record), "body": content}, shown, "", text)


def _inline_handlers(context: ReceiverContext, record: Record) -> list[str]:
    """Return the inline handlers that *record*, where it is not done, still needs."""
    if record.state is State.DONE or not record.event:
        return []
    return [handler.name for handler in plan_record(context.hooks, record).inline]


@command.command("replay")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@with_filter
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=_REPLAY_LIMIT,
    metavar="N",
    help="At most the newest N.",
)
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
    """Replay the deliveries that you name, or that match the filters.

    Runs the handlers that have not finished: inline ones in this process, queued ones in the
    workers, with all their retries. Asks before it replays what the filters match, before
    --all-handlers, and for a stale delivery that may have run before.
    """
    _validate_selection(fingerprints, wanted, app, all_handlers=all_handlers)
    context = open_receiver(app)
    if fingerprints:
        chosen = resolve(context, fingerprints)
    else:
        chosen = [record.fingerprint for record in select(context, wanted, limit)]
    if not chosen:
        out.info("No delivery matches.")
        return
    if all_handlers or not fingerprints:
        what = "Run all handlers again, even those that are done, of" if all_handlers else "Replay"
        confirm(f"{what} {len(chosen)} deliver{'y' if len(chosen) == 1 else 'ies'}?", yes=yes)
    replay_all(out, context, chosen[::-1], all_handlers=all_handlers, yes=yes)


@command.command("export")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@with_filter
@click.option("--limit", type=click.IntRange(1), default=_LIMIT, show_default=True, metavar="N")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="deliveries",
    show_default=True,
    help="The directory of the files.",
)
@click.option("--keep", multiple=True, metavar="KEY", help="Keep the texts under this key.")
@with_output
def export(
    out: Output,
    app: str,
    fingerprints: Sequence[str],
    wanted: Filter,
    limit: int,
    folder: Path,
    *,
    keep: Sequence[str],
) -> None:
    """Write deliveries to files that tests replay, without personal data.

    Those that you name, or the newest that match the filters. Every text becomes another one of the
    same shape, but for times and for those under keys that say what happened, such as status.
    """
    context = open_receiver(app)
    if fingerprints:
        chosen = resolve(context, fingerprints)
    else:
        chosen = [record.fingerprint for record in select(context, wanted, limit)]
    redaction = Redaction(token_bytes(32), KEPT | set(keep))
    written = [_export(out, context, each, folder, redaction) for each in chosen]
    if not chosen:
        out.info("No delivery matches.")
    if not all(written):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _export(
    out: Output, context: ReceiverContext, fingerprint: str, folder: Path, redaction: Redaction
) -> bool:
    """Write one delivery, and return whether that was possible."""
    record = context.store.execute(GetRecord(bytes.fromhex(fingerprint)))
    try:
        capture = capture_record(record or Record(fingerprint, State.LOST), redaction)
    except ConfigurationError as error:
        out.info(str(error))
        return False
    path = _write_capture(folder, capture, fingerprint)
    out.emit({"fingerprint": fingerprint, "path": str(path)}, str(path))
    return True


def _write_capture(folder: Path, capture: Capture, fingerprint: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9.-]", "_", capture.event)
    path = folder / f"{name}-{fingerprint[:12]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(capture.to_json(), encoding="utf-8")
    except OSError as error:
        message = f"Cannot write {path}: {error.strerror}."
        raise CLIError(message, "Name another directory: --to DIRECTORY") from None
    return path


def _validate_selection(
    fingerprints: Sequence[str], wanted: Filter, app: str, *, all_handlers: bool
) -> None:
    replay = f"Run: {suggest('deliveries replay', app=app)} --state"
    if bool(fingerprints) == bool(wanted):
        raise UsageError("Name either fingerprints or filters.", f"{replay} failed")
    if not fingerprints and wanted.state is None:
        raise UsageError("Missing --state: name the state to replay.", f"{replay} failed")
    if wanted.state is Status.DONE and not all_handlers:
        message = "All handlers of deliveries in state done have finished."
        raise UsageError(message, f"{replay} done --all-handlers")
