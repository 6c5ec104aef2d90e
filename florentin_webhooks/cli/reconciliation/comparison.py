"""What the sender thinks of each delivery beside what the store knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from florentin_webhooks.cli.reconciliation.sender_log import Outcome
from florentin_webhooks.core.stores.queries import FindDeliveryId, GetRecord, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from florentin_webhooks.cli.reconciliation.sender_log import Entry
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["Comparison", "Finding", "Verdict"]

_ORDER = (
    *(Status.DONE, Status.RUNNING, Status.QUEUED, Status.SCHEDULED, Status.FAILED),
    *(Status.DEAD, Status.INVALID, Status.STALE),
)
"""Of several records under one delivery id, the first of these counts."""
_GOOD = _ORDER[:4]


class Verdict(StrEnum):
    """What a delivery needs."""

    AGREED = "agreed"
    IGNORED = "ignored"
    """It was answered 2xx, and no handler wants its event, so nothing of it is stored."""
    FORGOTTEN = "forgotten"
    """It is older than the store remembers."""
    PENDING = "pending"
    """The sender tries again."""
    ANSWER_LOST = "answer-lost"
    """The sender thinks that it failed, but it was handled."""
    MISSING = "missing"
    """It is not here: the sender must replay it."""
    FAILED_HERE = "failed-here"
    """It is here and not done: it can be replayed here."""

    @property
    def needs_action(self) -> bool:
        """Whether something must be replayed."""
        return self in (Verdict.MISSING, Verdict.FAILED_HERE)


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one delivery; *record* is what the store knows of it."""

    entry: Entry
    verdict: Verdict
    status: Status | None = None
    record: Record | None = None


class Comparison:
    """Compares with the store of *hooks*; *records* are its own, for ids that it cannot find."""

    def __init__(self, hooks: Receiver[object], records: Iterable[Record]) -> None:
        self._hooks = hooks
        self._records = records
        self._now = datetime.now(UTC)

    @cached_property
    def _listed(self) -> Mapping[str, Sequence[str]]:
        """The fingerprints by delivery id, of records that are still listed."""
        found: dict[str, list[str]] = {}
        for record in self._records:
            if record.delivery_id:
                found.setdefault(record.delivery_id, []).append(record.fingerprint)
        return found

    def compare(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        """Yield the finding of each delivery. Raises :class:`Unavailable`."""
        for entry in entries:
            record = self._find(entry.id)
            status = record.status(self._now) if record else None
            yield Finding(entry, self._judge(entry, status), status, record)

    def _find(self, delivery_id: str) -> Record | None:
        keys = self._hooks.identity.delivery_id_keys(delivery_id)
        found = self._hooks.store.execute(FindDeliveryId(keys)) or self._listed.get(delivery_id, ())
        got = (self._hooks.store.execute(GetRecord(bytes.fromhex(key))) for key in found)
        records = [record for record in got if record is not None]
        return min(records, key=self._rank, default=None)

    def _rank(self, record: Record) -> int:
        return _ORDER.index(record.status(self._now))

    def _judge(self, entry: Entry, status: Status | None) -> Verdict:
        if status in _GOOD:
            failed = entry.outcome is Outcome.FAILED
            return Verdict.ANSWER_LOST if failed else Verdict.AGREED
        if entry.outcome is Outcome.PENDING:
            return Verdict.PENDING
        if status is not None:
            return Verdict.FAILED_HERE
        if self._is_older(entry):
            return Verdict.FORGOTTEN
        if entry.outcome is Outcome.DELIVERED and self._is_unwanted(entry.event):
            return Verdict.IGNORED
        return Verdict.MISSING

    def _is_older(self, entry: Entry) -> bool:
        return entry.time is not None and self._now - entry.time > self._hooks.store.retention

    def _is_unwanted(self, event: str) -> bool:
        plan = self._hooks.dispatcher.plan(event) if event else None
        return plan is not None and not (plan.inline or plan.queued)
