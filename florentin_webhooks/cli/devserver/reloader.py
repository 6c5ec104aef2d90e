"""Restarts of a child process when Python files change, by watchfiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from florentin_webhooks.cli.devserver.supervisor import Child

__all__ = ["run_with_reload"]

_GRACE = 15.0
"""Seconds for what is running; the web server of the child takes up to ten."""


def run_with_reload(
    command: Sequence[str], directory: Path, announce: Callable[[Sequence[str]], None]
) -> None:
    """Run *command* until Ctrl-C, and restart it when a Python file in *directory* changes.

    *announce* gets the names of the changed files. A command that fails waits for the next change.
    """
    from watchfiles import PythonFilter, watch  # noqa: PLC0415 - an extra.

    child = Child(command)
    child.start()
    try:
        for changes in watch(directory, watch_filter=PythonFilter(), raise_interrupt=True):
            announce(sorted({os.path.relpath(path, directory) for _, path in changes}))
            child.stop(_GRACE)
            child.start()
    finally:
        child.stop(_GRACE)
