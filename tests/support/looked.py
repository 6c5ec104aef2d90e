"""What operators ask of a store that keeps some of what is done, as tests ask it."""

from __future__ import annotations

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords, Record
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.stores import Subject, claimed, content, finish

__all__ = ["done", "found", "listed"]


def done(store: Subject, number: int) -> bytes:
    """Have a delivery done, and give its key."""
    body = content(number)
    claimed(store, body, under=f"id-{number}")
    assert store.finish(finish(body, handler="m:bill")) is State.DONE
    return fingerprint(body)


def found(store: Subject, key: bytes) -> Record:
    """Look a delivery up that is known."""
    record = store.ask(GetRecord(key))
    assert record is not None
    return record


def listed(store: Subject, **given: object) -> list[str]:
    """The fingerprints that are listed."""
    return [record.fingerprint for record in store.ask(ListRecords(**given))]  # type: ignore[arg-type]  # as List.
