"""Log records as lines for people, or as JSON.

Not ``rich.logging.RichHandler``: its console has a lock, which a thread may hold while RQ forks.
"""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.cli.formatting.views import Line, Styled
from florentin_webhooks.senders.florentin.signature import iso_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from florentin_webhooks.cli.formatting.views import Cell

    Emit = Callable[[Mapping[str, object], Line], None]

__all__ = ["ConsoleHandler", "hide_rq_chatter"]

_FIELDS = (
    "outcome",
    "fingerprint",
    "event",
    "delivery_id",
    "receiver",
    "queue",
    "handler",
    "attempt",
    "next_attempt",
    "duration",
    "reason",
)
_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "bold red"}

_CHATTER = (
    "subscribing to channel",
    "unsubscribing from channel",
    "cleaning registries",
    "cleaning group registries",
    "*** Listening on",
    "Job OK (",
    "result discarded immediately",
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAILED = "florentin_webhooks.rq.job.JobFailed: "


def hide_rq_chatter(handler: logging.Handler) -> logging.Handler:
    """Remove from *handler* what RQ logs about its own work."""
    handler.addFilter(_is_useful)
    return handler


def _is_useful(record: logging.LogRecord) -> bool:
    if not record.name.startswith("rq."):
        return True
    text = _message(record)
    if _FAILED in text:
        return False  # RQ's traceback of our own error, which we have logged.
    return record.levelno > logging.INFO or not any(words in text for words in _CHATTER)


class ConsoleHandler(logging.Handler):
    """A handler that prints time, level from WARNING up, and message.

    *emit* prints the fields of a record as JSON, or its line.
    """

    def __init__(self, emit: Emit, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        try:
            self._emit(_fields(record), Line(_cells(record)))
        except Exception:  # noqa: BLE001 - a logging handler never raises.
            self.handleError(record)


def _message(record: logging.LogRecord) -> str:
    """Return the message of *record*, without the colours that RQ adds on a terminal."""
    text = record.getMessage()
    return _COLOUR.sub("", text) if record.name.startswith("rq.") else text


def _cells(record: logging.LogRecord) -> list[Cell]:
    clock = time.strftime("%H:%M:%S", time.localtime(record.created))
    text = _message(record)
    if record.exc_info:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    if record.levelno < logging.WARNING:
        return [clock, text]
    level = Styled(f"{record.levelname.lower()}:", _STYLES.get(record.levelno, ""))
    return [clock, level, text]


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = {
        "time": iso_timestamp(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _message(record),
    }
    fields |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
    if record.exc_info:
        fields["traceback"] = logging.Formatter().formatException(record.exc_info)
    return fields
