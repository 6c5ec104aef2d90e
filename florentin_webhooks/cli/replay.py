"""Replay deliveries one after the other, and say what came of each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.records import short
from florentin_webhooks.cli.prompts import confirm, is_interactive, is_tracked, with_progress
from florentin_webhooks.core.replay import NotReplayable, PossiblyProcessed, replay
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from florentin_webhooks.cli.context import ReceiverContext
    from florentin_webhooks.cli.output import Output

__all__ = ["Replayed", "replay_all"]

_GOOD = (Outcome.PROCESSED, Outcome.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Hold what came of one replay: an outcome, or the reason why there was none."""

    fingerprint: str
    outcome: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was done or queued."""
        return self.outcome in _GOOD

    def facts(self) -> dict[str, object]:
        """Give it for JSON."""
        told = {"fingerprint": self.fingerprint, "outcome": self.outcome, "ok": self.ok}
        return {**told, "reason": self.reason or None}

    def line(self, width: int) -> str:
        """Give it for people."""
        color = "green" if self.ok else "red"
        told = click.style(f"{self.outcome:<14}", fg=color)
        return f"{short(self.fingerprint, width)}  {told}  {self.reason}".rstrip()


def replay_all(
    out: Output,
    shop: ReceiverContext,
    fingerprints: Sequence[str],
    *,
    all_handlers: bool,
    yes: bool,
) -> None:
    """Replay *fingerprints*, the oldest last; ends the command with 1 if one was not replayed."""
    silent = is_tracked(out, fingerprints) and sys.stdout.isatty()
    results: list[Replayed] = []
    for fingerprint in with_progress(out, fingerprints, "Replaying"):
        result = _replay(shop, fingerprint, all_handlers=all_handlers, yes=yes)
        results.append(result)
        if not silent:
            out.emit(result.facts(), result.line(out.width))
    failed = [result for result in results if not result.ok]
    for result in failed if silent else []:
        out.emit(result.facts(), result.line(out.width))
    if len(results) > 1:
        out.info(f"{len(results) - len(failed)} of {len(results)} replayed.")
    if failed:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _replay(shop: ReceiverContext, fingerprint: str, *, all_handlers: bool, yes: bool) -> Replayed:
    try:
        with shop.hooks.handler_context():  # What a framework's handlers run in.
            reply = replay(shop.hooks, fingerprint, all_handlers=all_handlers, though_late=yes)
    except PossiblyProcessed as error:
        if not is_interactive():
            return Replayed(fingerprint, error.code, f"{error.reason}; --yes runs it all the same")
        confirm(f"{fingerprint}: {error.reason}. Run it all the same?", yes=False)
        return _replay(shop, fingerprint, all_handlers=all_handlers, yes=True)
    except NotReplayable as error:
        return Replayed(fingerprint, error.code, error.reason)
    except MalformedDelivery as error:
        return Replayed(fingerprint, error.code, str(error))
    reason = str(reply.error) if reply.error else ""
    return Replayed(fingerprint, reply.outcome.value, reason)
