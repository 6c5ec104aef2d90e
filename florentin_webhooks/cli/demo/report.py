"""Write what came of the demonstration's steps: readable on a screen and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from florentin_webhooks.cli.formatting.tables import indented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.cli.demo.runner import Result

__all__ = ["Counts", "heading", "line", "summary"]

_WIDE = 80
_INDENT = 4
_TITLE = 23
_ANSWER = 21


class Counts(NamedTuple):
    """Hold how often handlers were called and finished, and the most for one delivery."""

    started: int
    finished: int
    most: int


def heading(text: str, width: int) -> str:
    """Give the title of a part."""
    lines = indented(text, min(width, _WIDE), 0)
    return "\n" + "\n".join(click.style(each, bold=True) for each in lines)


def line(result: Result, width: int) -> str:
    """Give what was sent, what was answered, what ran and why, in as many lines as it takes."""
    title = result.step.title
    answer = f"{result.said.status or ''} {result.said.outcome or '-'}".strip()
    mark = _mark(ok=not result.problems)
    effect = _effect(result)
    if width >= _WIDE:
        first = f"{mark}  {title:<{_TITLE}} {answer:<{_ANSWER}} {effect}"
        lines = [first.rstrip()]
    else:
        lines = [f"{mark}  {title}", *_below(answer, width), *_below(effect, width)]
    lines += _below(result.step.why, width)
    for problem in result.problems:
        lines += _below(f"NOT AS EXPECTED: {problem}", width)
    return "\n".join(lines)


def summary(results: Sequence[Result], counts: Counts, seconds: float, width: int) -> str:
    """Give the totals, which were counted and not assumed."""
    good = sum(not result.problems for result in results)
    most = counts.most
    mark = _mark(ok=good == len(results) and most == 1)
    text = (
        f"{good} of {len(results)} steps went as expected, in {seconds:.1f} s. "
        f"Handlers were called {counts.started} times and finished "
        f"{counts.finished} times: at most {_times(most)} for any one delivery."
    )
    first, *rest = _below(text, width)
    return "\n" + "\n".join([f"{mark}  {first.strip()}", *rest])


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _mark(*, ok: bool) -> str:
    return click.style("ok", fg="green") if ok else click.style("NO", fg="red", bold=True)


def _effect(result: Result) -> str:
    if not result.runs:
        return "nothing ran"
    if len(result.runs) == 1 and result.notes:
        return f"{result.runs[0]} ran: {result.notes[0]}"
    return ", ".join(result.effects())


def _below(text: str, width: int) -> list[str]:
    return indented(text, min(width, _WIDE), _INDENT)
