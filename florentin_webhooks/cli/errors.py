"""Errors of commands: a message, a hint and an exit code."""

from __future__ import annotations

from enum import IntEnum
from errno import EDQUOT, EFBIG, ENOSPC
from typing import IO, TYPE_CHECKING, Any

import click

from florentin_webhooks.cli.invocation import command_path, command_prefix
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from florentin_webhooks.errors import WebhookError

__all__ = [
    "CLIError",
    "ExitCode",
    "Interrupted",
    "StoreUnavailable",
    "Terminated",
    "UsageError",
    "translate_os_error",
    "translate_usage_error",
    "translate_webhook_error",
]


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INVALID_SIGNATURE = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class CLIError(click.ClickException):
    """A command failed; *message* says what happened, *hint* what to do next."""

    exit_code = int(ExitCode.FAILED)

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"

    def show(self, file: IO[Any] | None = None) -> None:
        """Print message and hint to standard error."""
        click.echo(f"error: {self.message}\nhint: {self.hint}", file=file, err=file is None)


class UsageError(CLIError):
    """Invalid arguments, or invalid values in the environment."""

    exit_code = int(ExitCode.USAGE)


class StoreUnavailable(CLIError):
    """The store, Redis or the target did not answer."""

    exit_code = int(ExitCode.UNREACHABLE)


class Interrupted(click.ClickException):
    """Ctrl-C, which needs no message."""

    exit_code = int(ExitCode.INTERRUPTED)

    def __init__(self) -> None:
        super().__init__("interrupted")

    def show(self, file: IO[Any] | None = None) -> None:
        """End the line on which the terminal shows ``^C``."""
        click.echo(file=file, err=file is None)


class Terminated(SystemExit):
    """SIGTERM. Not an error of the module that is being imported."""


_NO_SPACE = (ENOSPC, EDQUOT, EFBIG)

_LIKENESS = 0.75
"""How like an option a misspelt one is; the dashes alone are a quarter of a short one."""


def translate_usage_error(error: click.UsageError) -> UsageError:
    """Return our error for one that click raised."""
    path = command_path(error.ctx) if error.ctx else command_prefix()
    if isinstance(error, click.NoSuchOption):
        match = closest_match(error.option_name, error.possibilities or (), _LIKENESS)
        message = f"There is no option {error.option_name}."
        return UsageError(message, f"Run: {path} {match or '--help'}")
    message = error.format_message().rstrip(".")
    return UsageError(f"{message[:1].upper()}{message[1:]}.", f"Run: {path} --help")


def translate_webhook_error(
    error: WebhookError, kind: type[CLIError], context: click.Context
) -> CLIError:
    """Return *error* as one of *kind*, with its own hint."""
    return kind(error.message, error.hint or f"Run: {command_path(context)} --help")


def translate_os_error(error: OSError, context: click.Context) -> CLIError:
    """Return *error*, which a command has not expected, as ours."""
    if error.errno not in _NO_SPACE:
        return CLIError(f"{error}.", f"Run: {command_path(context)} --help")
    place = error.filename or "the output"
    return CLIError(f"Cannot write {place}: {error.strerror}.", "Free space, or write elsewhere.")
