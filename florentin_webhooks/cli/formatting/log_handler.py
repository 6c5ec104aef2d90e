"""Show log records as lines for people, or as JSON."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from florentin_webhooks.senders.florentin.signature import iso_timestamp

if TYPE_CHECKING:
    from florentin_webhooks.cli.output import Output

__all__ = ["ConsoleHandler", "hide_rq_chatter"]

_FACTS = ("outcome", "fingerprint", "event", "delivery_id")
_COLORS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


_CHATTER = (
    "subscribing to channel",
    "unsubscribing from channel",
    "cleaning registries",
    "cleaning group registries",
    "*** Listening on",
    "Job OK (",
    "result discarded immediately",
)
_FAILED = "florentin_webhooks.rq.job.JobFailed: "


def hide_rq_chatter(handler: logging.Handler) -> logging.Handler:
    """Keep what RQ says about itself, and no operator asks, out of *handler*."""
    handler.addFilter(_is_of_use)
    return handler


def _is_of_use(record: logging.LogRecord) -> bool:
    if not record.name.startswith("rq."):
        return True
    text = record.getMessage()
    if _FAILED in text:
        return False  # RQ's traceback of our own error, which our own lines have told.
    return record.levelno > logging.INFO or not any(words in text for words in _CHATTER)


class ConsoleHandler(logging.Handler):
    """Print each record: time, level where it matters, and the message."""

    def __init__(self, out: Output, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        try:
            self._out.emit(_facts(record), self._line(record))
        except Exception:  # noqa: BLE001 - a logging handler reports, and never raises.
            self.handleError(record)

    def _line(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        if record.levelno < logging.WARNING:
            return f"{clock} {text}"
        level = click.style(record.levelname.lower(), fg=_COLORS.get(record.levelno))
        return f"{clock} {level}: {text}"


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = {
        "time": iso_timestamp(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    return facts | {name: getattr(record, name) for name in _FACTS if hasattr(record, name)}
