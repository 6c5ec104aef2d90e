"""Compare the sender's delivery log with what the receiver knows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.context import open_receiver
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.reconciliation.comparison import Comparison, Finding, Verdict
from florentin_webhooks.cli.reconciliation.sender_log import Outcome, read_log
from florentin_webhooks.cli.selection import Filter, select
from florentin_webhooks.core.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["command"]

_EVERY = 1_000_000
_QUIET = (Verdict.AGREED, Verdict.IGNORED, Verdict.FORGOTTEN, Verdict.PENDING)


@click.command("reconcile", cls=Command)
@app_argument
@click.option(
    "--log",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The sender's delivery log, as CSV or JSON.",
)
@click.option("--all", "everything", is_flag=True, help="Show deliveries that agree, too.")
@with_output
def command(out: Output, app: str, path: Path, *, everything: bool) -> None:
    """Compare the sender's delivery log with what your receiver knows.

    Shows what is missing here, so that the sender must replay it, what is here and failed, and
    what the sender takes for failed although it was handled. Exits with 1 if something must be
    replayed.
    """
    entries = read_log(path)
    context = open_receiver(app)
    comparison = Comparison(context.hooks, select(context, Filter(), _EVERY))
    counts: Counter[Verdict] = Counter()
    shown: list[Finding] = []
    for finding in comparison.compare(entries):
        counts[finding.verdict] += 1
        if everything or finding.verdict not in _QUIET:
            shown.append(finding)
    out.emit_rows((_fields(each, app), _row(each)) for each in shown)
    out.emit({"summary": {each.value: counts[each] for each in Verdict}})
    out.info(*_summary(counts, shown, app))
    if any(counts[each] for each in Verdict if each.needs_action):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _fields(finding: Finding, app: str) -> Mapping[str, object]:
    return {
        "verdict": finding.verdict.value,
        "id": finding.entry.id,
        "event": finding.entry.event or (finding.record.event if finding.record else None) or None,
        "sender": finding.entry.outcome.value,
        "sender_status": finding.entry.status,
        "sender_time": to_iso(finding.entry.time),
        "here": finding.status.value if finding.status else None,
        "fingerprint": finding.record.fingerprint if finding.record else None,
        "replay": _replay(finding, app) or None,
    }


def _row(finding: Finding) -> Sequence[str]:
    entry = finding.entry
    sender = f"sender: {entry.outcome.value}{f' ({entry.status})' if entry.status else ''}"
    here = f"here: {finding.status.value if finding.status else 'nothing'}"
    return (finding.verdict.value, entry.id, entry.event, sender, here)


def _replay(finding: Finding, app: str) -> str:
    """Return the command that replays a delivery here, or an empty text."""
    if finding.verdict is not Verdict.FAILED_HERE or finding.record is None:
        return ""
    return suggest("deliveries replay", finding.record.fingerprint, app=app)


def _summary(counts: Counter[Verdict], shown: Sequence[Finding], app: str) -> list[str]:
    total = sum(counts.values())
    named = ", ".join(f"{counts[each]} {each.value}" for each in Verdict if counts[each])
    lines = [f"{total} deliveries in the log: {named}." if total else "The log is empty."]
    if counts[Verdict.MISSING]:
        lines.append("Missing: replay them in the sender's log; nothing here can.")
    if failed := [each for each in shown if _replay(each, app)]:
        which = f", the first of {len(failed)}" if len(failed) > 1 else ""
        lines.append(f"Failed here{which}: {_replay(failed[0], app)}")
    if counts[Verdict.ANSWER_LOST]:
        what = f"the sender has them as {Outcome.FAILED.value}, but they were handled"
        lines.append(f"Answer lost: {what}. Do nothing.")
    return lines
