"""The group of all commands: finds them, names the nearest, and turns errors into sentences.

A command's module is imported when the command is invoked, so ``--help`` loads nothing but click.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from errno import EPIPE
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, cast

import click

from florentin_webhooks.cli.errors import (
    CLIError,
    Interrupted,
    StoreUnavailable,
    UsageError,
    translate_usage_error,
)
from florentin_webhooks.cli.host import APP, HostProgram, current_host
from florentin_webhooks.cli.invocation import command_path, command_prefix, mark_root
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


__all__ = [
    "COMMANDS",
    "Group",
    "adapt_command",
    "command_tree",
    "main",
]

_ASKED = " APP (shop.hooks:hooks)"

_STARTED = "florentin-webhooks "


def adapt_command(command: click.Command, context: click.Context) -> click.Command:
    """Give *command* as it looks in *context*: under a preset without APP, with its words."""
    preset = current_host(context)
    if preset is None:
        return command
    fit = copy(command)
    fit.help = _told(command.help or "", context)
    if any(parameter.name == APP for parameter in command.params):
        fit.params = [parameter for parameter in command.params if parameter.name != APP]
        fit.callback = _answered(cast("Callable[..., object]", command.callback), preset)
    return fit


def _told(text: str, context: click.Context) -> str:
    return text.replace(_ASKED, "").replace(_STARTED, f"{command_prefix(context)} ")


def _answered(callback: Callable[..., object], preset: HostProgram) -> Callable[..., object]:
    @wraps(callback)
    def answered(**arguments: object) -> object:
        return callback(**{APP: preset.app}, **arguments)

    return answered


COMMANDS: Mapping[str, str] = {
    "demo": "Watch signed deliveries arrive, be verified and be handled once.",
    "dev": "Serve your receiver for development, with what it needs.",
    "worker": "Run the queued handlers of your receiver, in RQ workers.",
    "queue": "Show how the queues do: what waits, who works, what is wrong.",
    "deliveries": "List what was received, show it in full, do it again.",
    "dead": "Look after deliveries whose handlers have failed for good.",
    "trigger": "Send signed deliveries to a URL over HTTP.",
    "events": "List the events, or show one of them as JSON.",
    "sign": "Print the headers that Florentin would send with a file.",
    "verify": "Check the signature of a file, and say why it fails.",
    "secret": "Make secrets.",
}
"""Every command with its summary, which stands here so that the help loads no command."""


class Group(click.Group):
    """Name the nearest command where one is mistyped; fit each to the program it runs in."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give the command *cmd_name*, which asks for no APP where a preset answers that."""
        command = self.find(cmd_name)
        return None if command is None else adapt_command(command, ctx)

    def find(self, name: str) -> click.Command | None:
        """Give the command *name* as it stands in its module."""
        return self.commands.get(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that *args* begin with."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = closest_match(name, self.list_commands(ctx))
            next_step = f"{command_path(ctx)} {near or '--help'}"
            raise UsageError(f"there is no command {name!r}", next_step)
        return super().resolve_command(ctx, args)


class _Commands(Group):
    """Import a command when it is wanted, and answer every error with one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def find(self, name: str) -> click.Command | None:
        """Import the command *name*."""
        if name not in COMMANDS:
            return None
        module = import_module(f"florentin_webhooks.cli.commands.{name}")
        return cast("click.Command", module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        mark_root(ctx)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise translate_usage_error(error) from None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return cast("object", super().invoke(ctx))
        except click.UsageError as error:
            raise translate_usage_error(error) from None
        except (KeyboardInterrupt, click.Abort):
            raise Interrupted from None
        except ConfigurationError as error:
            raise UsageError(str(error), f"{command_path(ctx)} --help") from None
        except Unavailable as error:
            raise StoreUnavailable(str(error), f"{command_path(ctx)} --help") from None
        except OSError as error:
            if error.errno == EPIPE:  # whoever reads has enough: click ends quietly
                raise
            raise CLIError(str(error), f"{command_path(ctx)} --help") from None


@click.group(
    "florentin-webhooks",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="florentin-webhooks", prog_name="florentin-webhooks")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Receive Florentin's webhooks: try them, sign them, find out what is wrong with them.

    Results go to standard output, everything else to standard error. Every command takes --json
    and --color. Secrets come from FLORENTIN_WEBHOOK_SECRET or from --secret-file, never from
    an argument.

    \b
    Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid signature,
    4 Redis or target unreachable, 130 Ctrl-C.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def command_tree(
    path: str | Callable[[], str],
    words: str = "",
    *,
    name: str = "florentin",
    program: Callable[[], object] | None = None,
) -> click.Group:
    """Give all commands as a group called *name*, for another click program.

    The other arguments are those of :class:`HostProgram`.
    """
    tree = copy(main)
    tree.name = name
    tree.context_settings = {**main.context_settings, "obj": HostProgram(path, words, program)}
    return tree
