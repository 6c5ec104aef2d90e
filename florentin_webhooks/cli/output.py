"""What a command prints: data to standard output, talk to standard error, colour where wanted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Output", "use_color", "with_output"]


@dataclass(frozen=True, slots=True)
class Output:
    """Print for people, or one JSON object per line if *json*; *color* is the option's word."""

    json: bool
    color: str

    @property
    def width(self) -> int:
        """How many columns the terminal has; 80 where there is none."""
        return max(get_terminal_size((80, 24)).columns, 20)

    @property
    def line_width(self) -> int:
        """How long a line may be; as long as it likes where no terminal cuts it."""
        return max(get_terminal_size((1000, 24)).columns, 20)

    def emit(self, record: Mapping[str, object], text: str) -> None:
        """Print one result: *record* as a line of JSON, or *text* for people."""
        self._echo(json.dumps(record) if self.json else text, sys.stdout)

    def show(self, text: str) -> None:
        """Print what is for people only: a heading, an empty line."""
        if not self.json:
            self._echo(text, sys.stdout)

    def info(self, text: str) -> None:
        """Talk: standard error, whatever the format of the results."""
        self._echo(text, sys.stderr)

    def _echo(self, text: str, stream: TextIO) -> None:
        wanted = use_color(self.color, os.environ, tty=stream.isatty())
        click.echo(text, file=stream, color=wanted)


def use_color(option: str, environ: Mapping[str, str], *, tty: bool) -> bool:
    """Tell whether to use colour: the option decides, then NO_COLOR, FORCE_COLOR, the terminal."""
    if option != "auto":
        return option == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return tty and environ.get("TERM") != "dumb"


def with_output(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--json`` and ``--color``, and its :class:`Output` as the first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
    @click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Use colour; NO_COLOR and FORCE_COLOR count for auto.",
    )
    @wraps(function)
    def wrapped(*, as_json: bool, color: str, **arguments: object) -> None:
        function(Output(as_json, color), **arguments)

    return wrapped
