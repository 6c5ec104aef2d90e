"""List, requeue and discard dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Group
from florentin_webhooks.cli.context import open_receiver
from florentin_webhooks.cli.errors import ExitCode, UsageError
from florentin_webhooks.cli.formatting.records import shorten
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.prompts import confirm, with_progress, yes_option
from florentin_webhooks.cli.replay import print_result, replay_all
from florentin_webhooks.cli.selection import resolve
from florentin_webhooks.core.replay import NotReplayable, ReplayResult, drop
from florentin_webhooks.core.search.pages import dead_letters
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.core.times import format_age, to_iso

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.cli.formatting.views import Cell
    from florentin_webhooks.core.stores.queries import DeadLetter, Record

__all__ = ["command"]

_LIMIT = 100
_EMPTY = "There are no dead letters."
_DISCARDED = "discarded"
_ALL = click.option("--all", "everything", is_flag=True, help="All dead letters.")


@click.group(
    "dead",
    cls=Group,
    no_args_is_help=False,
    renamed={"replay": "requeue", "drop": "discard"},
)
def command() -> None:
    """List, requeue and discard dead letters: deliveries whose retries have all failed."""


@command.command("list")
@app_argument
@click.option("--limit", type=click.IntRange(1), default=_LIMIT, show_default=True, metavar="N")
@with_output
def list_(out: Output, app: str, limit: int) -> None:
    """List dead letters, the oldest first."""
    context = open_receiver(app)
    context.require_queue("list")
    count = out.emit_rows(_rows(context, out.width, limit))
    if not count:
        out.info(_EMPTY)
    if count == limit:
        out.info(f"These are the oldest {limit}. For more, add --limit N.")


@command.command("requeue")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@_ALL
@yes_option
@with_output
def requeue(
    out: Output, app: str, fingerprints: Sequence[str], *, everything: bool, yes: bool
) -> None:
    """Run the unfinished handlers of dead letters again, with all their retries."""
    context = open_receiver(app)
    chosen = _choose(context, "requeue", fingerprints, everything=everything)
    if not chosen:
        out.info(_EMPTY)
        return
    if everything:
        confirm(f"Requeue {_count(chosen)}?", yes=yes)
    replay_all(out, context, chosen, all_handlers=False, yes=yes)


@command.command("discard")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@_ALL
@yes_option
@with_output
def discard(
    out: Output, app: str, fingerprints: Sequence[str], *, everything: bool, yes: bool
) -> None:
    """Delete the bodies of dead letters, so that their handlers never run."""
    context = open_receiver(app)
    chosen = _choose(context, "discard", fingerprints, everything=everything)
    if not chosen:
        out.info(_EMPTY)
        return
    confirm(f"Discard {_count(chosen)} for good?", yes=yes)
    tracked = with_progress(out, chosen, "Discarding")
    results = [_discard(context, fingerprint) for fingerprint in tracked]
    for result in results:
        print_result(out, result, ok=result.outcome == _DISCARDED)
    if any(result.outcome != _DISCARDED for result in results):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _discard(context: ReceiverContext, fingerprint: str) -> ReplayResult:
    try:
        record = drop(context.hooks, fingerprint)
    except NotReplayable as error:
        return ReplayResult(fingerprint, error.code, error.reason, error.hint)
    return ReplayResult(fingerprint, _DISCARDED, record.event)


def _choose(
    context: ReceiverContext, verb: str, fingerprints: Sequence[str], *, everything: bool
) -> list[str]:
    context.require_queue("replay")
    if bool(fingerprints) == everything:
        hint = f"Run: {suggest(f'dead {verb}', '--all', app=context.app)}"
        raise UsageError("Name either fingerprints or --all.", hint)
    if everything:
        return list(dict.fromkeys(each.fingerprint for each in dead_letters(context.store)))
    chosen = resolve(context, fingerprints)
    for fingerprint in chosen:
        record = context.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        if record is None or record.state is not State.DEAD:
            hint = f"List dead letters: {suggest('dead list', app=context.app)}"
            raise UsageError(f"{fingerprint} is not a dead letter.", hint)
    return chosen


def _count(chosen: Sequence[str]) -> str:
    return f"{len(chosen)} dead letter{'s' * (len(chosen) != 1)}"


def _rows(
    context: ReceiverContext, width: int, limit: int
) -> Iterator[tuple[Mapping[str, object], Sequence[Cell]]]:
    for letter in dead_letters(context.store, limit):
        record = context.store.execute(GetRecord(bytes.fromhex(letter.fingerprint)))
        if record is not None:
            queue = letter.queue or context.hooks.queue_names[0]
            yield _fields(letter, record, queue), _row(letter, record, queue, width)


def _fields(letter: DeadLetter, record: Record, queue: str) -> dict[str, object]:
    return {
        "fingerprint": letter.fingerprint,
        "queue": queue,
        "event": record.event,
        "delivery_id": record.delivery_id,
        "received_at": to_iso(record.received_at),
        "died_at": to_iso(letter.died_at),
        "attempts": record.attempts.get(queue, 0),
        "reason": record.reasons.get(queue, ""),
    }


def _row(letter: DeadLetter, record: Record, queue: str, width: int) -> Sequence[Cell]:
    attempts = f"{record.attempts.get(queue, 0)} attempts"
    age, reason = format_age(letter.died_at), record.reasons.get(queue, "")
    return shorten(letter.fingerprint, width), record.event, queue, age, attempts, reason
