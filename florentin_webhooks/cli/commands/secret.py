"""Create secrets."""

from __future__ import annotations

from secrets import token_hex

import click

from florentin_webhooks.cli.app import Group
from florentin_webhooks.cli.output import Output, with_output

__all__ = ["command"]

_BYTES = 32  # The size of a SHA-256 digest.


@click.group("secret", cls=Group, no_args_is_help=False)
def command() -> None:
    """Create secrets."""


@command.command("new")
@with_output
def new(out: Output) -> None:
    """Print a new secret: 256 random bits in hex.

    Keep it out of the history of your shell:

    \b
      export FLORENTIN_WEBHOOK_SECRET="$(florentin-webhooks secret new)"
    """
    secret = token_hex(_BYTES)
    out.emit({"secret": secret}, secret)
