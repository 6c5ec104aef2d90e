"""How a command ends when it cannot do what it was asked: one sentence, the next step, a code."""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any

import click

from florentin_webhooks.cli.invocation import command_path, command_prefix
from florentin_webhooks.protocol.suggestions import closest_match

__all__ = [
    "CLIError",
    "ExitCode",
    "Interrupted",
    "StoreUnavailable",
    "Terminated",
    "UsageError",
    "translate_usage_error",
]


class ExitCode(IntEnum):
    """Name the exit codes."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INVALID_SIGNATURE = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class CLIError(click.ClickException):
    """Say in one sentence what is wrong, and after "try:" what to do next."""

    exit_code = int(ExitCode.FAILED)

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence to standard error."""
        sentence = self.message.rstrip(".;")
        pause = "" if sentence.endswith("?") else ";"
        click.echo(f"error: {sentence}{pause} try: {self.next_step}", file=file, err=file is None)


class UsageError(CLIError):
    """Say that what was typed, or what the environment holds, cannot be meant."""

    exit_code = int(ExitCode.USAGE)


class StoreUnavailable(CLIError):
    """Say that a server which is needed does not answer."""

    exit_code = int(ExitCode.UNREACHABLE)


class Interrupted(click.ClickException):
    """Say nothing: whoever pressed Ctrl-C knows what happened."""

    exit_code = int(ExitCode.INTERRUPTED)

    def __init__(self) -> None:
        super().__init__("interrupted")

    def show(self, file: IO[Any] | None = None) -> None:
        """Leave the line on which the terminal shows ``^C``."""
        click.echo(file=file, err=file is None)


def translate_usage_error(error: click.UsageError) -> UsageError:
    """Turn what click says about arguments and options into our sentence."""
    path = command_path(error.ctx) if error.ctx else command_prefix()
    if isinstance(error, click.NoSuchOption):
        near = closest_match(error.option_name, error.possibilities or ())
        return UsageError(f"there is no option {error.option_name}", f"{path} {near or '--help'}")
    message = error.format_message()
    return UsageError(message[:1].lower() + message[1:], f"{path} --help")


class Terminated(SystemExit):
    """Say that SIGTERM came, which no module that is being imported is to blame for."""
