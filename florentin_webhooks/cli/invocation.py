"""Say how this program was started, for commands that a reader copies into another terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import click

from florentin_webhooks.cli.host import current_host

__all__ = [
    "command_path",
    "command_prefix",
    "export_pythonpath",
    "mark_root",
    "program_name",
    "self_command",
    "suggest",
    "trigger_command",
]

_NAMES = ("florentin-webhooks", "florentin")
_TREE = "florentin_webhooks.cli"


def mark_root(context: click.Context) -> None:
    """Note that the tree of commands begins at *context*, whatever stands above it."""
    context.meta[_TREE] = context.command_path


def command_prefix(context: click.Context | None = None) -> str:
    """Give what was typed to start the tree: ``flask florentin`` inside Flask's own."""
    context = context or click.get_current_context(silent=True)
    preset = current_host(context)
    if preset and preset.words:
        return preset.words
    return _NAMES[0] if context is None else context.meta.get(_TREE, _NAMES[0])


def command_path(context: click.Context) -> str:
    """Give what was typed to come as far as *context*."""
    begun: str = context.meta.get(_TREE, context.command_path)
    return command_prefix(context) + context.command_path.removeprefix(begun)


def suggest(command: str, *rest: str, app: str = "") -> str:
    """Give what to type for *command* and the *rest*; *app* comes between where it is asked for."""
    if current_host(click.get_current_context(silent=True)):
        app = ""
    return " ".join(filter(None, [command_prefix(), command, app, *rest]))


def program_name() -> str:
    """Give what to type to start this program once more, in a terminal where nothing is set up."""
    if current_host(click.get_current_context(silent=True)):
        return command_prefix()
    started = sys.argv[0]
    name = Path(started).name
    if name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m florentin_webhooks"
    if name not in _NAMES or shutil.which(name) == started:
        return name if name in _NAMES else _NAMES[0]
    return shlex.quote(str(Path(started).absolute()))


def self_command(*line: str) -> list[str]:
    """Give the command that runs this program as a process of our own."""
    warnings = [f"-W{option}" for option in sys.warnoptions]
    return [sys.executable, *warnings, "-m", "florentin_webhooks", *line]


def export_pythonpath() -> None:
    """Let processes of our own find the modules that a framework's program finds.

    ``manage.py`` may stand in another directory than the one we are in, and Flask looks for its
    program there, too: both come first where Python looks, which no child would know.
    """
    if current_host(click.get_current_context(silent=True)) is None:
        return
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if sys.path[0] and sys.path[0] not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], *filter(None, known)])


def trigger_command(url: str, variable: str, secret: str | None) -> str:
    """Give the complete command that sends a delivery to *url*, ready to paste."""
    command = f"{program_name()} trigger invoice.created \\\n  --to {url}"
    return command if secret is None else f"{variable}={shlex.quote(secret)} \\\n  {command}"
