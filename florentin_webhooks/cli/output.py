"""Where results and messages go: results to standard output, messages to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.formatting.renderer import render
from florentin_webhooks.cli.formatting.views import Cell, Table, View

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Output", "replace_closed_streams", "use_color", "with_output"]

_UNLIMITED = 10_000
"""Columns where there is no terminal: lines in pipes and files are not folded."""

_NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Output:
    """The output of a command: JSON lines if *json*; *color* is auto, always or never."""

    json: bool
    color: str

    @property
    def width(self) -> int:
        """Columns of the terminal, or of COLUMNS."""
        return max(get_terminal_size((_UNLIMITED, 24)).columns, _NARROWEST)

    def emit(self, record: Mapping[str, object], *views: View) -> None:
        """Print one result: *record* as a line of JSON, or *views* for people."""
        if self.json:
            click.echo(json.dumps(record))
        else:
            self._print(views, sys.stdout)

    def emit_rows(self, rows: Iterable[tuple[Mapping[str, object], Sequence[Cell]]]) -> int:
        """Print results as JSON lines or as one table, and return their number."""
        cells: list[Sequence[Cell]] = []
        for record, row in rows:
            cells.append(row)
            if self.json:
                click.echo(json.dumps(record))
        if cells and not self.json:
            self._print([Table(cells)], sys.stdout)
        return len(cells)

    def show(self, *views: View) -> None:
        """Print to standard output for people only."""
        if not self.json:
            self._print(views, sys.stdout)

    def info(self, *views: View) -> None:
        """Print to standard error."""
        self._print(views, sys.stderr)

    def has_color(self, stream: TextIO) -> bool:
        """Return whether *stream* gets colours."""
        return use_color(self.color, os.environ, tty=stream.isatty())

    def _print(self, views: Sequence[View], stream: TextIO) -> None:
        color = self.has_color(stream)
        for view in views:
            click.echo(render(view, self.width, color=color), file=stream, color=color)


def use_color(option: str, environ: Mapping[str, str], *, tty: bool) -> bool:
    """Return whether to use colour: *option* first, then NO_COLOR, FORCE_COLOR, the terminal."""
    if option != "auto":
        return option == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return tty and environ.get("TERM") != "dumb"


def replace_closed_streams() -> None:
    """Open the null device in place of each standard stream that was closed at the start."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def with_output(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--json`` and ``--color`` to a command; its first argument is the :class:`Output`."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
    @click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Use colour; auto respects NO_COLOR and FORCE_COLOR.",
    )
    @wraps(function)
    def wrapped(*, as_json: bool, color: str, **arguments: object) -> None:
        function(Output(as_json, color), **arguments)

    return wrapped
