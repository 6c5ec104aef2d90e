"""How this program was started, for hints and for child processes."""

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
    "program_name",
    "self_command",
    "suggest",
    "trigger_command",
]

_NAMES = ("florentin-webhooks", "florentin")


def command_prefix() -> str:
    """Return what starts these commands, such as ``flask --app shop florentin``."""
    context = click.get_current_context(silent=True)
    return _NAMES[0] if context is None else _prefix(_own_contexts(context)[0])


def command_path(context: click.Context) -> str:
    """Return what starts the command of *context*, such as ``flask --app shop florentin dead``."""
    root, *below = _own_contexts(context)
    return " ".join([_prefix(root), *(str(each.info_name) for each in below)])


def _own_contexts(context: click.Context) -> list[click.Context]:
    """Return the contexts from the group of these commands to *context*."""
    host, contexts = current_host(context), [context]
    while (parent := contexts[0].parent) and current_host(parent) is host:
        contexts.insert(0, parent)
    return contexts


def _prefix(root: click.Context) -> str:
    host = current_host(root)
    if host is not None and host.words:
        return host.words
    if root.parent is None:
        return root.command_path
    return " ".join([root.parent.command_path, *_typed_options(root), str(root.info_name)])


def _typed_options(context: click.Context) -> list[str]:
    """Return the host program's options that stood before the group of *context*."""
    words = sys.argv[1:]
    if context.info_name not in words:
        return []
    return [shlex.quote(word) for word in words[: words.index(str(context.info_name))]]


def suggest(command: str, *options: str, app: str = "") -> str:
    """Return a complete command; *app* is left out where the host program knows it."""
    words = [command_prefix(), command, "" if current_host() else app, *options]
    return " ".join(filter(None, words))


def program_name() -> str:
    """Return the shell command that starts this program from a new terminal."""
    if current_host():
        return command_prefix()
    started = sys.argv[0]
    name = Path(started).name
    if name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m florentin_webhooks"
    if name not in _NAMES or shutil.which(name) == started:
        return name if name in _NAMES else _NAMES[0]
    return shlex.quote(str(Path(started).absolute()))


def self_command(*words: str, module: str = "florentin_webhooks") -> list[str]:
    """Return the command line of a child process that runs *module*."""
    warnings = [f"-W{option}" for option in sys.warnoptions]
    return [sys.executable, *warnings, "-m", module, *words]


def export_pythonpath() -> None:
    """Set PYTHONPATH so that child processes find the modules of the host program.

    ``manage.py`` may be in another directory than the current one, and Flask imports its program
    from there. Both put that directory first in ``sys.path``, which a child does not inherit.
    """
    if current_host() is None:
        return
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if sys.path[0] and sys.path[0] not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], *filter(None, known)])


def trigger_command(
    url: str, variable: str, secret: str | None, event: str = "invoice.created", app: str = ""
) -> str:
    """Return the complete command that sends *event* to *url*, ready to paste.

    It is signed as the sender of the receiver *app* signs, by default as Florentin does.
    """
    options = f" --app {app}" if app and not current_host() else ""
    command = f"{program_name()} trigger {event}{options} \\\n  --to {url}"
    return command if secret is None else f"{variable}={shlex.quote(secret)} \\\n  {command}"
