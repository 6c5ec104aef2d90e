"""A store that is no Redis and pushes nothing to queues, but can be looked into: as a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.core.stores.queries import FindFingerprints, GetRecord, ListRecords, Record
from florentin_webhooks.errors import Unavailable
from tests.support.receivers import SpiedStore

__all__ = ["Database"]

A = TypeVar("A")


class Database(SpiedStore):
    """Remember in memory, and answer what operators ask; *error* is all it says where it is set."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.records: dict[bytes, Record] = {}
        self.error: Unavailable | None = None

    def execute(self, operation: Operation[A]) -> A:
        if self.error:
            raise self.error
        if isinstance(operation, GetRecord):
            return cast("A", self.records.get(operation.key))
        if isinstance(operation, ListRecords):
            return cast("A", self._listed(operation))
        if isinstance(operation, FindFingerprints):
            keys = [key.hex() for key in self.records]
            return cast("A", tuple(key for key in keys if key.startswith(operation.prefix)))
        answer = super().execute(operation)
        self._note(operation)
        return answer

    def _listed(self, wanted: ListRecords) -> tuple[Record, ...]:
        newest = list(self.records.values())[::-1]
        return tuple(each for each in newest if wanted.state in (None, each.state))

    def _note(self, operation: object) -> None:
        if isinstance(operation, Accept) and operation.key not in self.records:
            came = operation.delivery
            self.records[operation.key] = Record(
                came.fingerprint,
                State.RUNNING,
                came.event,
                came.delivery_id,
                came.received_at,
                secret=came.secret,
                body=came.body,
            )
        elif isinstance(operation, Finish):
            reasons = {"": operation.reason} if operation.reason else {}
            record = self.records[operation.key]
            self.records[operation.key] = replace(record, state=operation.state, reasons=reasons)
