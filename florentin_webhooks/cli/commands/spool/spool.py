"""List and drain the spool, in which deliveries wait while the store does not answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Group
from florentin_webhooks.cli.context import open_receiver
from florentin_webhooks.cli.errors import CLIError, ExitCode, UsageError
from florentin_webhooks.cli.formatting.records import shorten
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.loader import load
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.core.drain import DrainReport, drain
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.times import format_age, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from florentin_webhooks.cli.formatting.views import Cell
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.spool import DeliverySpool, SpoolEntry

__all__ = ["command"]

_PAGE = 16
PATIENCE = 10.0
"""Seconds to wait for a process that drains right now."""


@click.group("spool", cls=Group, no_args_is_help=False)
def command() -> None:
    """List and drain deliveries that wait on this machine for the store."""


@command.command("list")
@app_argument
@with_output
def list_(out: Output, app: str) -> None:
    """List the deliveries that wait, the oldest first. Needs no store."""
    hooks = load(app)
    spool = _require_spool(hooks, app)
    if not out.emit_rows(_rows(hooks, spool, out.width)):
        out.info(f"Nothing waits in the spool {spool.path}.")


@command.command("drain")
@app_argument
@with_output
def drain_(out: Output, app: str) -> None:
    """Pass the deliveries that wait to the store; inline handlers run here.

    Exits with 1 if some of them stay, and with 4 if the store does not answer.
    """
    hooks = open_receiver(app).hooks
    spool = _require_spool(hooks, app)
    report = _drain(hooks)
    if report.error is not None:
        raise report.error
    if report.is_busy:
        message = f"Another process drains the spool {spool.path} right now."
        raise CLIError(message, "Try again later.")
    _show(out, report)
    if report.left:
        why = "they are being processed, cannot be read, or are refused (see the log)"
        out.info(f"{report.left} stay: {why}.")
        raise click.exceptions.Exit(ExitCode.FAILED)


def _show(out: Output, report: DrainReport) -> None:
    outcomes = dict(report.outcomes)
    drained = ", ".join(f"{count} {name}" for name, count in outcomes.items()) or "nothing"
    fields = {"outcomes": outcomes, "left": report.left, "foreign": report.foreign}
    out.emit(fields, f"Drained: {drained}.")
    if report.foreign:
        out.info(f"{report.foreign} wait for a receiver with another secret.")


def _drain(hooks: Receiver[object]) -> DrainReport:
    deadline = time.monotonic() + PATIENCE
    terms = hooks.drain_terms()
    if terms is None:
        raise AssertionError("The spool was checked before.")
    while (report := run_sync(drain(terms))).is_busy and time.monotonic() < deadline:
        time.sleep(0.2)
    return report


def _rows(
    hooks: Receiver[object], spool: DeliverySpool, width: int
) -> Iterator[tuple[Mapping[str, object], Sequence[Cell]]]:
    after = 0
    while entries := spool.read(after, _PAGE):
        after = entries[-1].number
        for entry in entries:
            problem = _find_problem(hooks, entry)
            yield _fields(entry, problem), _row(entry, problem, width)


def _find_problem(hooks: Receiver[object], entry: SpoolEntry) -> str:
    if not hooks.identity.owns(entry.owner, ""):
        return "it belongs to a receiver with another secret"
    return entry.problem


def _fields(entry: SpoolEntry, problem: str) -> dict[str, object]:
    return {
        "fingerprint": entry.fingerprint,
        "event": entry.delivery and entry.delivery.event,
        "delivery_id": entry.delivery and entry.delivery.delivery_id,
        "received_at": to_iso(entry.received_at),
        "problem": problem,
    }


def _row(entry: SpoolEntry, problem: str, width: int) -> Sequence[Cell]:
    event = entry.delivery.event if entry.delivery else "-"
    return shorten(entry.fingerprint, width), event, format_age(entry.received_at), problem


def _require_spool(hooks: Receiver[object], app: str) -> DeliverySpool:
    """Return the spool of the receiver *app*. Raises :class:`UsageError` without one."""
    if hooks.spool is None:
        message = f"{app} has no spool: while its store does not answer, deliveries get a 503."
        raise UsageError(message, 'For a spool, use Receiver(..., spool="/var/lib/shop/spool.db").')
    return hooks.spool
