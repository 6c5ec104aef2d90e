"""The program of a framework that runs these commands, and the APP argument it answers.

Django: ``main.main(args, prog_name="manage.py florentin_webhooks", obj=HostProgram(path, ...))``.
Flask: ``app.cli.add_command(command_tree(path))``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., object])

__all__ = ["AppArgument", "HostProgram", "app_argument", "apps_argument", "current_host"]


@dataclass(frozen=True, slots=True)
class HostProgram:
    """The program that runs the commands and knows their receiver.

    *path* is the import path of the receiver, or a function that finds it within click's context
    when a command needs it. *program* returns the program that the framework has created, so that
    a factory at *path* is not called again. *words* start the commands in a shell, where those that
    click shows do not.
    """

    path: str | Callable[[], str]
    program: Callable[[], object] | None = None
    words: str = ""

    @property
    def app(self) -> str:
        """Value of APP."""
        return self.path if isinstance(self.path, str) else self.path()


def current_host(context: click.Context | None = None) -> HostProgram | None:
    """Return the host program of *context*, by default of the running command."""
    context = context or click.get_current_context(silent=True)
    return None if context is None else context.find_object(HostProgram)


class AppArgument(click.Argument):
    """The import path of a receiver; inside a host program its receiver, and hidden."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:  # Any: click's private type.
        """Expect a word for it, unless the host program knows the receiver."""
        if current_host(ctx) is None:
            super().add_to_parser(parser, ctx)

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return its name for the usage line."""
        return [] if current_host(ctx) else super().get_usage_pieces(ctx)

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:  # Any: as in click.
        """Return the path of the host program's receiver."""
        host = current_host(ctx)
        if host is None or not call or ctx.resilient_parsing:
            return super().get_default(ctx, call=call)
        return host.app if self.nargs == 1 else (host.app,)


def app_argument(function: F) -> F:
    """Add the APP argument to a command."""
    return click.argument("app", cls=AppArgument)(function)


def apps_argument(function: F) -> F:
    """Add one or several APP arguments to a command, which gets them as *apps*."""
    argument = click.argument("apps", cls=AppArgument, nargs=-1, required=True, metavar="APP...")
    return argument(function)
