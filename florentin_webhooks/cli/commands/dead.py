"""Look after the deliveries whose handlers have failed for good: list, revive, drop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Group
from florentin_webhooks.cli.context import open_receiver
from florentin_webhooks.cli.errors import ExitCode, UsageError
from florentin_webhooks.cli.formatting.durations import format_age, to_iso
from florentin_webhooks.cli.formatting.records import short
from florentin_webhooks.cli.formatting.tables import row
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.prompts import confirm, with_progress, yes_option
from florentin_webhooks.cli.replay import Replayed, replay_all
from florentin_webhooks.cli.selection import resolve
from florentin_webhooks.core.replay import NotReplayable
from florentin_webhooks.core.replay import drop as drop_one
from florentin_webhooks.core.stores.queries import GetRecord, ListDeadLetters

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.core.stores.queries import DeadLetter, Record

__all__ = ["command"]

_MOST = 1_000_000
_ALL = click.option("--all", "everything", is_flag=True, help="All that are dead.")


@click.group("dead", cls=Group, no_args_is_help=False)
def command() -> None:
    """Look after the deliveries whose handlers have failed for good."""


@command.command("list")
@app_argument
@with_output
def list_(out: Output, app: str) -> None:
    """List what is dead in the receiver APP (shop.hooks:hooks), the oldest first."""
    shop = open_receiver(app)
    shop.require_queue("list")
    jobs = shop.store.execute(ListDeadLetters(limit=_MOST))
    for job in jobs:
        record = shop.store.execute(GetRecord(bytes.fromhex(job.fingerprint)))
        if record is not None:
            queue = job.queue or shop.hooks.queue_names[0]
            out.emit(_facts(job, record, queue), _line(job, record, queue, out.line_width))
    if not jobs:
        out.info("Nothing is dead.")


@command.command("replay")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@_ALL
@yes_option
@with_output
def replay(
    out: Output, app: str, fingerprints: Sequence[str], *, everything: bool, yes: bool
) -> None:
    """Revive dead deliveries: their unfinished handlers run again, with all their retries."""
    shop = open_receiver(app)
    chosen = _chosen(shop, "replay", fingerprints, everything=everything)
    if everything and chosen:
        confirm(f"Replay {_counted(chosen)}?", yes=yes)
    if not chosen:
        out.info("Nothing is dead.")
        return
    replay_all(out, shop, chosen, all_handlers=False, yes=yes)


@command.command("drop")
@app_argument
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@_ALL
@yes_option
@with_output
def drop(
    out: Output, app: str, fingerprints: Sequence[str], *, everything: bool, yes: bool
) -> None:
    """Give dead deliveries up: their bodies are deleted, and their handlers never run."""
    shop = open_receiver(app)
    chosen = _chosen(shop, "drop", fingerprints, everything=everything)
    if not chosen:
        out.info("Nothing is dead.")
        return
    confirm(f"Drop {_counted(chosen)} for good?", yes=yes)
    results = [_drop(shop, fingerprint) for fingerprint in with_progress(out, chosen, "Dropping")]
    for result in results:
        out.emit(result.facts() | {"ok": result.outcome == "dropped"}, result.line(out.width))
    if any(result.outcome != "dropped" for result in results):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _drop(shop: ReceiverContext, fingerprint: str) -> Replayed:
    try:
        record = drop_one(shop.hooks, fingerprint)
    except NotReplayable as error:
        return Replayed(fingerprint, error.code, error.reason)
    return Replayed(fingerprint, "dropped", record.event)


def _chosen(
    shop: ReceiverContext, verb: str, fingerprints: Sequence[str], *, everything: bool
) -> list[str]:
    shop.require_queue("replay")
    if bool(fingerprints) == everything:
        message = "name fingerprints, or --all, and not both"
        raise UsageError(message, suggest(f"dead {verb}", "--all", app=shop.app))
    dead = [job.fingerprint for job in shop.store.execute(ListDeadLetters(limit=_MOST))]
    if everything:
        return list(dict.fromkeys(dead))
    chosen = resolve(shop, fingerprints)
    for fingerprint in chosen:
        if fingerprint not in dead:
            raise UsageError(f"{fingerprint} is not dead", suggest("dead list", app=shop.app))
    return chosen


def _counted(chosen: Sequence[str]) -> str:
    return f"{len(chosen)} dead deliver{'y' if len(chosen) == 1 else 'ies'}"


def _facts(job: DeadLetter, record: Record, queue: str) -> dict[str, object]:
    return {
        "fingerprint": job.fingerprint,
        "queue": queue,
        "event": record.event,
        "delivery_id": record.delivery_id,
        "received_at": to_iso(record.received_at),
        "died_at": to_iso(job.died_at),
        "attempts": record.attempts.get(queue, 0),
        "reason": record.reasons.get(queue, ""),
    }


def _line(job: DeadLetter, record: Record, queue: str, width: int) -> str:
    fingerprint = short(job.fingerprint, width)
    attempts = f"{record.attempts.get(queue, 0)} attempts"
    reason = record.reasons.get(queue, "")
    cells = (fingerprint, record.event, queue, format_age(job.died_at), attempts, reason)
    return row(cells, (len(fingerprint), 23, 10, 6, 11, 0), width)
