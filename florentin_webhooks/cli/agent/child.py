"""Commands in processes of their own: they import the program as it is now.

An agent edits handlers while its server runs, and that has imported them before.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.cli.errors import ExitCode
from florentin_webhooks.cli.invocation import self_command
from florentin_webhooks.core.replay import ReplayResult
from florentin_webhooks.errors import WebhookError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CommandFailed", "find_problems", "replay"]

_SECONDS = 300
"""The longest that a command may take; inline handlers have seconds."""

_LONGEST_ERROR = 2000

Record = dict[str, Any]  # Any: JSON.


class CommandFailed(WebhookError):
    """A command could not do its work; *message* is what it has printed."""

    code = "command-failed"


def replay(app: str, fingerprint: str, *, all_handlers: bool, though_late: bool) -> ReplayResult:
    """Replay a delivery as ``deliveries replay`` does. Raises CommandFailed."""
    options = ["--all-handlers"] * all_handlers
    # --yes lets stale deliveries run, and asks nothing about --all-handlers.
    options += ["--yes"] * (all_handlers or though_late)
    for record in _run("deliveries", "replay", app, fingerprint, *options):
        if record.get("fingerprint") == fingerprint:
            fields = (record.get(name) or "" for name in ("outcome", "reason", "hint"))
            return ReplayResult(fingerprint, *fields)
    raise CommandFailed(f"The replay of {fingerprint} had no result.", "See the log of the server.")


def find_problems(app: str) -> list[Mapping[str, str]]:
    """Return what ``doctor`` finds: check, state, message and hint. Raises CommandFailed."""
    return [record for record in _run("doctor", app) if "check" in record]


def _run(*words: str) -> list[Record]:
    """Return the JSON lines that a command prints, among others that the program may print."""
    try:
        done = subprocess.run(  # noqa: S603 - this program.
            [*self_command(*words), "--json", "--color", "never"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(
            f"The command took longer than {_SECONDS} s and was ended.",
            "Look at the delivery again: explain_delivery shows what has run.",
        ) from None
    if done.returncode not in (ExitCode.OK, ExitCode.FAILED) or not done.stdout:
        raise _failure(done.stderr.decode("utf-8", "replace"))
    records = filter(None, map(_parse, done.stdout.splitlines()))
    return list(records)


def _parse(line: bytes) -> Record | None:
    try:
        value: object = json.loads(line)
    except ValueError:
        return None
    return cast("Record", value) if isinstance(value, dict) else None


def _failure(text: str) -> CommandFailed:
    """Return the error that a command has printed as two lines, error and hint."""
    lines = text[-_LONGEST_ERROR:].splitlines()
    return CommandFailed(_last(lines, "error:") or "The command has failed.", _last(lines, "hint:"))


def _last(lines: Sequence[str], start: str) -> str:
    found = (line.removeprefix(start).strip() for line in reversed(lines) if line.startswith(start))
    return next(found, "")
