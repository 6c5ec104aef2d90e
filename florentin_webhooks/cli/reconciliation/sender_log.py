"""The sender's delivery log in a file: CSV or JSON with ids, statuses and times."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import cast

from florentin_webhooks.cli.errors import UsageError

__all__ = ["Entry", "Outcome", "read_log"]

_LARGEST = 100_000_000
_STATUS = re.compile(r"[0-9]{3}")
_SECONDS = re.compile(r"[0-9]{9,11}(?:\.[0-9]+)?")
"""Seconds since 1970."""
_HINT = "It needs a column id, and state or last_status; the simulator exports such a log."
_NAMES = {
    "id": ("id", "delivery_id", "delivery"),
    "state": ("state",),
    "status": ("last_status", "status", "status_code"),
    "event": ("event", "type"),
    "time": ("last_attempt_at", "created_at", "time", "timestamp", "at"),
}
"""The names under which senders and tools write each fact; the first that is there counts."""


class Outcome(StrEnum):
    """What the sender thinks of a delivery."""

    DELIVERED = "delivered"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery in the sender's log; *status* is that of the last attempt, None for none."""

    id: str
    outcome: Outcome
    status: int | None = None
    event: str = ""
    time: datetime | None = None


def read_log(path: Path) -> list[Entry]:
    """Return the entries in the file at *path*, each delivery once: its last entry.

    Raises UsageError.
    """
    try:
        if path.stat().st_size > _LARGEST:
            message = f"{path} is larger than {_LARGEST // 1_000_000} MB."
            raise UsageError(message, "Split it by time.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        message = f"Cannot read {path}: {reason}."
        raise UsageError(message, "Name a log of deliveries as CSV or JSON.") from None
    entries = [_entry(path, number, row) for number, row in enumerate(_rows(path, text), 1)]
    return list({entry.id: entry for entry in sorted(entries, key=_order)}.values())


def _rows(path: Path, text: str) -> Iterator[Mapping[str, object]]:
    if not text.lstrip().startswith(("[", "{")):
        yield from _csv_rows(path, text)
        return
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not valid JSON.", _HINT) from None
    page: dict[str, object] = {"data": content}
    if isinstance(content, dict):
        page = cast("dict[str, object]", content)
    inner = page.get("data")
    if not isinstance(inner, list):
        raise UsageError(f"{path} holds no list of deliveries.", _HINT)
    rows = cast("list[object]", inner)
    _ensure_complete(path, page.get("meta"), len(rows))
    for row in rows:
        yield cast("Mapping[str, object]", row if isinstance(row, dict) else {})


def _ensure_complete(path: Path, meta: object, count: int) -> None:
    """Refuse one page of several, as lists of Florentin's API come: it shows nothing missing."""
    total = cast("dict[str, object]", meta).get("total") if isinstance(meta, dict) else None
    if isinstance(total, int) and total > count:
        message = f"{path} has {count} of {total} deliveries: it is one page of the log."
        raise UsageError(message, "Write all pages into one file, as one list.")


def _csv_rows(path: Path, text: str) -> Iterator[Mapping[str, object]]:
    try:
        yield from csv.DictReader(StringIO(text), restkey="")
    except csv.Error as error:
        raise UsageError(f"{path} is not valid CSV: {error}.", _HINT) from None


def _entry(path: Path, number: int, row: Mapping[str, object]) -> Entry:
    facts = {fact: _find(row, names) for fact, names in _NAMES.items()}
    status = int(facts["status"]) if _STATUS.fullmatch(facts["status"]) else None
    if not facts["id"] or (not facts["state"] and "status" not in " ".join(row)):
        raise UsageError(
            f"Delivery {number} in {path} has no id, or neither state nor status.", _HINT
        )
    outcome = _outcome(facts["state"], facts["status"], status)
    if outcome is None:
        word = (facts["state"] or facts["status"])[:40]
        message = f"Delivery {number} in {path} has the state {word!r}."
        raise UsageError(message, "Write delivered, failed or pending, or a last_status.")
    return Entry(facts["id"], outcome, status, facts["event"], _time(facts["time"]))


def _find(row: Mapping[str, object], names: Iterable[str]) -> str:
    found = (row[name] for name in names if row.get(name) not in (None, ""))
    return str(next(found, ""))


def _outcome(state: str, written: str, status: int | None) -> Outcome | None:
    """Return the outcome by *state*, or else by *status*, as it is *written*; None if unknown."""
    for word in (state.casefold(), written.casefold()):
        if word in set(Outcome):
            return Outcome(word)
    if status is None and (state or written).strip("0123456789"):
        return None
    is_success = status is not None and 200 <= status < 300  # noqa: PLR2004 - any 2xx.
    return Outcome.DELIVERED if is_success else Outcome.FAILED


def _time(text: str) -> datetime | None:
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _order(entry: Entry) -> datetime:
    return entry.time or datetime.min.replace(tzinfo=UTC)
