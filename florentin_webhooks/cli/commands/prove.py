"""Run handlers under duplicates, disorder and kills, and count their effects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.errors import ExitCode, UsageError
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.inputs import SECRET_VARIABLE
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.loader import load
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.testing.prove.patches import NamedEffect
    from florentin_webhooks.testing.prove.proof import EventProof, Finding

__all__ = ["command"]


@click.command("prove", cls=Command)
@app_argument
@click.option(
    "--effect",
    "effects",
    multiple=True,
    metavar="MODULE:FUNCTION",
    help="Count the calls of this function, as in shop.billing:charge; it is not called.",
)
@click.option("--call-effects", is_flag=True, help="Call the functions of --effect, too.")
@click.option("--event", "events", multiple=True, metavar="NAME", help="Only this event.")
@click.option("--strict", is_flag=True, help="Also kill within once(), before it is recorded.")
@with_output
def command(
    out: Output,
    app: str,
    effects: Sequence[str],
    events: Sequence[str],
    *,
    call_effects: bool,
    strict: bool,
) -> None:
    """Show which effect of your handlers can happen twice, or never.

    Runs the handlers of each event many times, in processes of their own: with duplicates, in other
    orders, twice at a time, and killed before each effect and before each result is recorded. Then
    the sender and the queue retry. The store is in memory, but everything else is real: use the
    configuration of your tests. An effect is a call of a function named by --effect, or of
    florentin_webhooks.testing.effect(). Exits with 1 if an effect is doubled or lost.
    """
    from florentin_webhooks.testing.prove.patches import find_effect  # noqa: PLC0415

    os.environ.setdefault(SECRET_VARIABLE, token_hex(32))
    hooks = load(app)
    named = [find_effect(path, call=call_effects) for path in effects]
    proofs = _prove(hooks, _choose(hooks, events, app), named, strict=strict)
    for proof in proofs:
        _report(out, proof)
    if not any(proof.expected or proof.errors for proof in proofs):
        hint = f"Name their functions: {suggest('prove', '--effect shop.billing:charge', app=app)}"
        raise UsageError("No effect of any handler was seen.", hint)
    if any(proof.findings or proof.errors for proof in proofs):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _choose(hooks: Receiver[object], events: Sequence[str], app: str) -> list[str]:
    from florentin_webhooks.testing.prove.proof import handled_events  # noqa: PLC0415

    handled = handled_events(hooks)
    for event in events:
        if event not in handled:
            match = closest_match(event, handled)
            use = suggest("prove", f"--event {match or (handled or ['NAME'])[0]}", app=app)
            raise UsageError(f"No handler of {app} wants {event!r}.", f"Run: {use}")
    if not handled:
        raise UsageError(f"{app} has no handlers.", 'Register one: @hooks.on("invoice.created").')
    return [*events] or handled


def _prove(
    hooks: Receiver[object], events: Sequence[str], named: Sequence[NamedEffect], *, strict: bool
) -> list[EventProof]:
    from florentin_webhooks.testing.prove.proof import prove_event, prove_order  # noqa: PLC0415

    proofs = [prove_event(hooks, event, named, strict=strict) for event in events]
    if len(events) > 1 and not any(proof.errors for proof in proofs):
        proofs.append(prove_order(hooks, events, named))
    return proofs


def _report(out: Output, proof: EventProof) -> None:
    findings = proof.smallest()
    record: dict[str, object] = {
        "event": proof.event,
        "effects": {f"{c.handler} {c.effect}": times for c, times in proof.expected.items()},
        "sequences": proof.runs,
        "errors": list(proof.errors),
        "findings": [_fields(finding) for finding in findings],
    }
    lines = [f"{proof.event}: {_summary(proof)}"]
    lines += [f"  {error}" for error in proof.errors]
    for finding in findings:
        lines.append(f"  {finding}:")
        lines += [f"    {step}" for step in finding.steps]
    out.emit(record, *lines)


def _fields(finding: Finding) -> dict[str, object]:
    return {
        "handler": finding.count.handler,
        "effect": finding.count.effect,
        "kind": finding.kind,
        "times": finding.times,
        "expected": finding.expected,
        "story": finding.story,
        "steps": [step.strip() for step in finding.steps],
    }


def _summary(proof: EventProof) -> str:
    if proof.errors:
        return "not proved, since it failed without any fault"
    if not proof.expected:
        return "no effect was seen"
    names = ", ".join(dict.fromkeys(count.effect for count in proof.expected))
    wrong = len(proof.smallest())
    result = (
        f"{wrong} problem{'s' * (wrong != 1)}" if wrong else "each happened as often as it must"
    )
    return f"{names} in {proof.runs} sequences: {result}"
