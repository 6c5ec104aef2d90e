"""Confirmation of what cannot be undone, and progress of what takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.formatting.renderer import has_rich

if TYPE_CHECKING:
    from florentin_webhooks.cli.output import Output

__all__ = ["confirm", "is_interactive", "shows_progress", "with_progress", "yes_option"]

T = TypeVar("T")

yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def is_interactive() -> bool:
    """Return whether a person can answer questions."""
    return sys.stdin.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Return if the user confirms *question*; raise CLIError otherwise."""
    if yes:
        return
    if not is_interactive():
        message = f"Cannot ask for confirmation without a terminal: {question}"
        raise UsageError(message, "Add --yes to confirm.")
    if not click.confirm(question, err=True):
        raise CLIError("Nothing was changed.", "Run the command again and answer y.")


def shows_progress(out: Output, items: Sequence[object]) -> bool:
    """Return whether the work on *items* gets a progress bar: on terminals, for several items."""
    return has_rich() and not out.json and sys.stderr.isatty() and len(items) > 1


def with_progress(out: Output, items: Sequence[T], label: str) -> Iterable[T]:
    """Return *items* for a loop, with a progress bar on standard error where one is shown."""
    if not shows_progress(out, items):
        return items
    from rich.console import Console  # noqa: PLC0415 - an extra.
    from rich.progress import track  # noqa: PLC0415 - the same.

    console = Console(stderr=True, no_color=not out.has_color(sys.stderr))
    return track(items, label, console=console)
