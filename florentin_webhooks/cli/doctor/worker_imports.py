"""Import a receiver as a worker does, in a process of its own, and compare its handlers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, cast

from florentin_webhooks.cli.doctor.check import fail, ok

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from florentin_webhooks.cli.doctor.check import Check

__all__ = ["check_worker_handlers", "import_handlers"]

_LONGEST = 60
_MARK = "florentin-webhooks handlers: "
# The program's own output may come before, and its last line may lack an end.
_SCRIPT = f"""
import json, sys
from florentin_webhooks.core.loader import load_receiver
handlers = load_receiver(sys.argv[1]).router.handlers
print("\\n{_MARK}" + json.dumps([each.name for each in handlers]), flush=True)
"""


def import_handlers(path: str) -> list[str] | None:
    """Return the names of the handlers of the receiver at *path* in a new process, or None."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603 - a constant script, the path is an argument.
            [sys.executable, "-c", _SCRIPT, path],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    found = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    return cast("list[str]", json.loads(found[-1].removeprefix(_MARK))) if found else None


def check_worker_handlers(path: str, here: Iterable[str], there: Sequence[str] | None) -> Check:
    """Return whether a worker that imports *path* has every handler that is registered *here*."""
    if there is None:
        message = f"A worker cannot import {path}, as a process of its own has shown."
        return fail("worker-imports", message, f"Run: python -c 'import {path.partition(':')[0]}'")
    missing = [name for name in dict.fromkeys(here) if name not in there]
    if missing:
        message = f"Workers import {path}, which does not register {', '.join(missing)}."
        hint = "Import their modules in the one of the receiver."
        return fail("worker-imports", message, hint)
    return ok("worker-imports", f"Workers import {path}, with every handler of this process.")
