"""The group of all commands.

The module of a command is imported when the command is invoked, so that ``--help`` loads nothing
but click.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from errno import EPIPE
from importlib import import_module
from typing import Any, cast

import click

from florentin_webhooks.cli.errors import (
    Interrupted,
    StoreUnavailable,
    UsageError,
    translate_os_error,
    translate_usage_error,
    translate_webhook_error,
)
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.cli.invocation import command_path
from florentin_webhooks.cli.output import replace_closed_streams
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.protocol.suggestions import closest_match

__all__ = ["COMMANDS", "Command", "Group", "command_tree", "main"]

COMMANDS: Mapping[str, str] = {
    "demo": "Watch signed deliveries arrive, be verified and be handled once.",
    "dev": "Serve your receiver for development, with Redis and workers.",
    "simulate": "Serve a local Florentin: its REST API, and its webhooks.",
    "listen": "Print what a tunnel to this machine needs.",
    "worker": "Run the queued handlers of your receiver in RQ workers.",
    "doctor": "Check why deliveries fail, from inside and from outside.",
    "queue": "Show waiting events, workers and problems of each queue.",
    "health": "Check the store, the queues and their workers, for monitoring.",
    "deliveries": "List, show, replay and export received deliveries.",
    "dead": "List, requeue and discard dead letters.",
    "reconcile": "Compare the sender's delivery log with what your receiver knows.",
    "spool": "List and drain what waits on this machine for the store.",
    "trigger": "Send signed deliveries to a URL.",
    "events": "List the events, or show one of them as JSON.",
    "sign": "Print the headers that Florentin would send with a file.",
    "verify": "Check the signature of a file and explain a failure.",
    "prove": "Show which effect of your handlers can happen twice, or never.",
    "mcp": "Serve tools over your receiver to a coding agent.",
    "secret": "Create secrets.",
}
"""Every command with its summary, so that the help imports no command."""

_FOLDERS: Mapping[str, str] = {"mcp": "agent.", "reconcile": "provider.", "simulate": "provider."}
"""The folders of commands that are not beside the others."""


_APP = "The receiver as module:name, such as shop.hooks:hooks."
_APPS = "A module alone means all of its receivers that have a queue."


class Command(click.Command):
    """A command that works on a receiver; *renamed* maps old options to new ones."""

    def __init__(self, *args: Any, renamed: Mapping[str, str] | None = None, **attrs: Any) -> None:
        super().__init__(*args, **attrs)  # Any: the arguments of click.Command.
        self.renamed = renamed or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args*, with old options replaced by new ones."""
        return super().parse_args(ctx, [self._renew(word) for word in args])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description of APP, where the command has it, and the options."""
        pieces = self.collect_usage_pieces(ctx)
        if {"APP", "[APP]", "APP..."} & {*pieces}:
            several = f" {_APPS}" if "APP..." in pieces else ""
            with formatter.section("Arguments"):
                formatter.write_dl([("APP", f"{_APP}{several}")])
        super().format_options(ctx, formatter)

    def _renew(self, word: str) -> str:
        name, equals, value = word.partition("=")
        if name not in self.renamed:
            return word
        _warn_renamed(name, self.renamed[name])
        return f"{self.renamed[name]}{equals}{value}"


class Group(click.Group):
    """A group that suggests the closest command; *renamed* maps old names to new ones."""

    command_class = Command

    def __init__(self, *args: Any, renamed: Mapping[str, str] | None = None, **attrs: Any) -> None:
        super().__init__(*args, **attrs)  # Any: the arguments of click.Group.
        self.renamed = renamed or {}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that *args* begin with."""
        name = args[0]
        if name in self.renamed:
            _warn_renamed(
                f"{command_path(ctx)} {name}", f"{command_path(ctx)} {self.renamed[name]}"
            )
            return super().resolve_command(ctx, [self.renamed[name], *args[1:]])
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            match = closest_match(name, self.list_commands(ctx))
            hint = f"Run: {command_path(ctx)} {match or '--help'}"
            raise UsageError(f"There is no command {name!r}.", hint)
        return super().resolve_command(ctx, args)


def _warn_renamed(old: str, new: str) -> None:
    click.echo(f"warning: {old} is deprecated; use {new}.", err=True)


class _Root(Group):
    """The group that imports commands on demand and reports every error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        folder = _FOLDERS.get(cmd_name, "")
        module = import_module(f"florentin_webhooks.cli.commands.{folder}{cmd_name}")
        return cast("click.Command", module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise translate_usage_error(error) from None

    def invoke(self, ctx: click.Context) -> object:
        replace_closed_streams()
        try:
            return cast("object", super().invoke(ctx))
        except click.UsageError as error:
            raise translate_usage_error(error) from None
        except (KeyboardInterrupt, click.Abort):
            raise Interrupted from None
        except ConfigurationError as error:
            raise translate_webhook_error(error, UsageError, ctx) from None
        except Unavailable as error:
            raise translate_webhook_error(error, StoreUnavailable, ctx) from None
        except OSError as error:
            if error.errno == EPIPE:  # The reader has closed the pipe; click exits quietly.
                raise
            raise translate_os_error(error, ctx) from None


@click.group(
    "florentin-webhooks",
    cls=_Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="florentin-webhooks", prog_name="florentin-webhooks")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Receive Florentin's webhooks: try them, sign them, find out why they fail.

    Results go to standard output, everything else to standard error. Every command takes --json
    and --color. Secrets come from FLORENTIN_WEBHOOK_SECRET or --secret-file, never from an
    argument; simulate alone takes a made-up one.

    \b
    Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid signature,
    4 store or target unreachable, 130 Ctrl-C.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def command_tree(
    path: str | Callable[[], str],
    *,
    name: str = "florentin",
    program: Callable[[], object] | None = None,
) -> click.Group:
    """Return all commands as a group called *name*, for another click program.

    *path* and *program* are those of :class:`HostProgram`.
    """
    tree = copy(main)
    tree.name = name
    tree.context_settings = {**main.context_settings, "obj": HostProgram(path, program)}
    return tree
