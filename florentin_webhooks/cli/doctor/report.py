"""Print checks: one line each, with what to do below it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.doctor.check import State
from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.formatting.views import Line, Paragraph, Styled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.output import Output

__all__ = ["report"]

_STYLES = {
    State.OK: "green",
    State.WARN: "yellow",
    State.FAIL: "bold red",
    State.SKIPPED: "dim",
}


def report(out: Output, checks: Iterable[Check]) -> None:
    """Print each check as soon as it is made. Exits with 1 if one has failed."""
    counts: Counter[State] = Counter()
    for check in checks:
        counts[check.state] += 1
        _print(out, check)
    words = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
    out.info(Line([f"{words or 'nothing to check'}"]))
    if counts[State.FAIL]:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _print(out: Output, check: Check) -> None:
    record = {
        "check": check.name,
        "state": check.state.value,
        "message": check.message,
        "hint": check.hint,
    }
    state = Styled(f"{check.state.value:<7}", _STYLES[check.state])
    hint = [Paragraph(f"-> {check.hint}", indent=8)] if check.hint else []
    out.emit(record, Line([state, f"{check.name}: {check.message}"]), *hint)
