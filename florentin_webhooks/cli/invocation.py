"""Say how this program was started, for commands that a reader copies into another terminal."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

__all__ = ["own_command", "program", "trigger_command"]

_NAMES = ("florentin-webhooks", "florentin")


def program() -> str:
    """Give what to type to start this program once more."""
    started = sys.argv[0]
    name = Path(started).name
    if name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m florentin_webhooks"
    if name not in _NAMES or shutil.which(name) == started:
        return name if name in _NAMES else _NAMES[0]
    return shlex.quote(str(Path(started).absolute()))


def own_command(*words: str) -> list[str]:
    """Give the command that runs this program as a process of our own."""
    warnings = [f"-W{option}" for option in sys.warnoptions]
    return [sys.executable, *warnings, "-m", "florentin_webhooks", *words]


def trigger_command(url: str, variable: str, secret: str | None) -> str:
    """Give the complete command that sends a delivery to *url*, ready to paste."""
    command = f"{program()} trigger invoice.created \\\n  --to {url}"
    return command if secret is None else f"{variable}={shlex.quote(secret)} \\\n  {command}"
