"""The receiver that a framework's own command works on, so that no command asks for APP.

Django runs the tree with one: ``main.main(args, prog_name="manage.py florentin_webhooks",
obj=Preset(path))``. Flask's ``app.cli`` takes a group that brings its own: :func:`command_tree`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

__all__ = [
    "APP",
    "HostProgram",
    "app_argument",
    "current_host",
]

APP = "app"

app_argument = click.argument(APP)
"""The argument of every command that works on a receiver, which a :class:`HostProgram` answers."""


@dataclass(frozen=True, slots=True)
class HostProgram:
    """Name the receiver that the commands work on.

    *path* is its import path, or finds it inside click's context when a command needs it. *words*
    are what people type to start the tree, where click does not know better. *program* gives the
    program that the framework has made by now, so that a factory at *path* is not called again.
    """

    path: str | Callable[[], str]
    words: str = ""
    program: Callable[[], object] | None = None

    @property
    def app(self) -> str:
        """What would be typed as APP."""
        return self.path if isinstance(self.path, str) else self.path()


def current_host(context: click.Context | None) -> HostProgram | None:
    """Give the preset of *context*, past the objects of the program that it stands in."""
    return None if context is None else context.find_object(HostProgram)
