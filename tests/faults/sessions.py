"""The processes of a session, also those whose parent has died."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def processes_of(session: int) -> list[int]:
    return [pid for pid in _pids() if session_of(pid) == session]


def session_of(pid: int) -> int:
    """Return the session of a process; -1 if the process has ended."""
    try:
        return os.getsid(pid) if pid else -1
    except OSError:
        return -1


def leads_group(pid: int) -> bool:
    """Check whether a process has its own group, as work-horses do."""
    try:
        return os.getpgid(pid) == pid
    except OSError:
        return False


def end(session: int) -> list[int]:
    """Kill all processes of a session and return their ids."""
    victims: set[int] = set()
    while new := set(processes_of(session)) - victims:  # Some may have forked meanwhile.
        for pid in new:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        victims |= new
    return sorted(victims)


def _pids() -> list[int]:
    if (listed := Path("/proc")).is_dir():
        return [int(each.name) for each in listed.iterdir() if each.name.isdigit()]
    done = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True)  # noqa: S607 - wherever it is.
    return [int(pid) for pid in done.stdout.split()]
