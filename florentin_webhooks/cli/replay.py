"""Replays of several deliveries, one after the other, with the result of each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.records import shorten
from florentin_webhooks.cli.formatting.views import Styled, Table
from florentin_webhooks.cli.prompts import confirm, is_interactive, shows_progress, with_progress
from florentin_webhooks.core.replay import ReplayResult, try_replay

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.cli.output import Output

__all__ = ["print_result", "replay_all"]

_OUTCOME = 14


def replay_all(
    out: Output,
    context: ReceiverContext,
    fingerprints: Sequence[str],
    *,
    all_handlers: bool,
    yes: bool,
) -> None:
    """Replay *fingerprints* in their order; exit with 1 if one was not replayed.

    Beside a progress bar only the failed ones are printed, at the end.
    """
    quiet = shows_progress(out, fingerprints) and sys.stdout.isatty()
    results: list[ReplayResult] = []
    for fingerprint in with_progress(out, fingerprints, "Replaying"):
        results.append(_replay(context, fingerprint, all_handlers=all_handlers, yes=yes))
        if not quiet:
            print_result(out, results[-1], ok=results[-1].ok)
    failed = [result for result in results if not result.ok]
    for result in failed if quiet else []:
        print_result(out, result, ok=False)
    if len(results) > 1:
        out.info(f"{len(results) - len(failed)} of {len(results)} replayed.")
    if failed:
        raise click.exceptions.Exit(ExitCode.FAILED)


def print_result(out: Output, result: ReplayResult, *, ok: bool) -> None:
    """Print *result*."""
    fields = {
        "fingerprint": result.fingerprint,
        "outcome": result.outcome,
        "ok": ok,
        "reason": result.reason or None,
        "hint": result.hint or None,
    }
    fingerprint = shorten(result.fingerprint, out.width)
    reason = f"{result.reason}. {result.hint}" if result.hint else result.reason
    row = fingerprint, Styled(result.outcome, "green" if ok else "red"), reason
    out.emit(fields, Table([row], (len(fingerprint), _OUTCOME, 0)))


def _replay(
    context: ReceiverContext, fingerprint: str, *, all_handlers: bool, yes: bool
) -> ReplayResult:
    with context.hooks.handler_context():  # The context in which a framework runs handlers.
        result = try_replay(context.hooks, fingerprint, all_handlers=all_handlers, though_late=yes)
    if not result.needs_confirmation:
        return result
    if not is_interactive():
        return replace(result, hint="Add --yes to run it anyway.")
    confirm(f"{fingerprint}: {result.reason}. Run it anyway?", yes=False)
    return _replay(context, fingerprint, all_handlers=all_handlers, yes=True)
