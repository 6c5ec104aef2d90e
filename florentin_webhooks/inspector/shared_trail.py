"""The trail across processes: a worker writes what its handlers did, the page reads it.

The page reads when it is shown, so that a program without a viewer pays for nothing but the
writing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport
from florentin_webhooks.core.stores.trail import AppendTrail, ReadTrail
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.inspector.trail import Entry, TrailObserver
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.inspector.trail import Trail

__all__ = ["TrailReader", "decode_entry", "encode_entry", "share_trail"]

Report = AttemptReport | DeadReport | DeliveryReport
_REPORTS: Mapping[str, Callable[..., Report]] = {
    each.__name__: each for each in (AttemptReport, DeadReport, DeliveryReport)
}
_TIMES = frozenset({"sent_at", "received_at", "next_attempt"})


def share_trail(hooks: Receiver[object], *, error_text: bool = False) -> None:
    """Write what *hooks* does in this process to its store, for pages of other processes.

    With *error_text* also the texts of errors, which may quote a body, and which are stored as they
    are. Costs one round trip for each report. Does nothing where the store is not shared in Redis.
    """
    store = hooks.store
    if not store.supports_jobs:
        return

    def write(entry: Entry) -> None:
        with suppress(Unavailable):  # The page shows less; the delivery matters more.
            store.execute(AppendTrail((encode_entry(entry),)))

    hooks.observe(TrailObserver(write, error_text=error_text))


class TrailReader:
    """Reads what other processes have written to *stores* into *trail*."""

    def __init__(self, stores: Sequence[Store], trail: Trail) -> None:
        self._positions = [_Position(store) for store in stores if store.supports_jobs]
        self._trail = trail
        # Each page, and each stream of events, asks in a thread of its own.
        self._lock = Lock()

    def refresh(self) -> None:
        """Add the entries since the last call, and sort all. Raises :class:`Unavailable`."""
        try:
            with self._lock:
                for position in self._positions:
                    self._read(position)
        finally:
            self._trail.settle()

    def _read(self, position: _Position) -> None:
        is_full = True
        while is_full:
            wanted = ReadTrail(position.after)
            items = position.store.execute(wanted)
            is_full = len(items) == wanted.limit
            for item in items:
                position.after = item.position
                if entry := decode_entry(item.entry):
                    self._trail.add(entry)


@dataclass(slots=True)
class _Position:
    """How far the trail of *store* was read."""

    store: Store
    after: str = ""


def encode_entry(entry: Entry) -> bytes:
    """Return *entry* as JSON."""
    report = {name: _plain(value) for name, value in entry.report._asdict().items()}
    fields = {
        "kind": entry.kind,
        "at": entry.at,
        "type": type(entry.report).__name__,
        "report": report,
    }
    return json.dumps(fields).encode()


def decode_entry(encoded: bytes) -> Entry | None:
    """Return the entry in *encoded*, or None for one of another version."""
    try:
        fields = cast("dict[str, Any]", json.loads(encoded))  # Any: JSON.
        known = {name: _parse(name, value) for name, value in fields["report"].items()}
        report = _REPORTS[fields["type"]](**known)
        return Entry(fields["kind"], float(fields["at"]), report)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _parse(name: str, value: Any) -> object:  # Any: JSON.
    if name in _TIMES and value is not None:
        return datetime.fromisoformat(value)
    return Outcome(value) if name == "outcome" and value in set(Outcome) else value
