"""Ask before something that cannot be taken back, and show how far something long has come."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from florentin_webhooks.cli.errors import CLIError, UsageError

if TYPE_CHECKING:
    from florentin_webhooks.cli.output import Output

__all__ = ["confirm", "is_interactive", "is_tracked", "with_progress", "yes_option"]

T = TypeVar("T")
_FEWEST = 2

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def is_interactive() -> bool:
    """Tell whether somebody is there to answer."""
    return sys.stdin.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Return if the answer to *question* is yes; ends the command where it is no."""
    if yes:
        return
    if not is_interactive():
        message = f"this asks first ({question}), and nobody is there to answer"
        raise UsageError(message, "the same with --yes")
    if not click.confirm(question, err=True):
        raise CLIError("nothing was changed", "the same again, and y")


def is_tracked(out: Output, items: Sequence[object]) -> bool:
    """Tell whether a bar shows how far the work on *items* has come: on a terminal only."""
    return not out.json and sys.stderr.isatty() and len(items) >= _FEWEST


def with_progress(out: Output, items: Sequence[T], label: str) -> Iterator[T]:
    """Give *items* one by one, with a progress bar on standard error if that is a terminal."""
    if not is_tracked(out, items):
        yield from items
        return
    with click.progressbar(items, label=label, file=sys.stderr, show_pos=True) as bar:
        yield from bar
