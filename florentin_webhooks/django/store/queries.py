"""Answer operators: what came, what became of it, and open or drop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Record,
    ResetMode,
    ResetRecord,
)
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import Clock, from_db, from_now, to_db
from florentin_webhooks.django.store.rows import (
    StoreOptions,
    delete,
    deliveries,
    guards,
    lock_one,
    prefix_filter,
    uuid,
)
from florentin_webhooks.django.store.transactions import read_only, transaction

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["dead", "find", "list_", "reopen", "search"]


def find(terms: StoreOptions, operation: GetRecord) -> Record | None:
    """Look one delivery up."""
    known = Delivery.objects.using(terms.using).filter(expires__gt=Clock())
    with read_only(terms.using):
        row = known.filter(key=uuid(operation.key), original=None).first()
    return None if row is None else _record(row, row.body)


def list_(terms: StoreOptions, operation: ListRecords) -> tuple[Record, ...]:
    """List deliveries, newest first."""
    rows = _whole(terms)
    if operation.state is not None:
        rows = rows.filter(state=operation.state.value)
    if operation.event is not None:
        rows = rows.filter(event=operation.event)
    if operation.since is not None:
        rows = rows.filter(received_at__gte=to_db(operation.since))
    if operation.until is not None:
        rows = rows.filter(received_at__lte=to_db(operation.until))
    if operation.bodies:
        rows = rows.defer(None)
    rows = rows.order_by("-received_at", "-key")[: operation.limit]
    with read_only(terms.using):
        return tuple(_record(row, row.body if operation.bodies else None) for row in rows)


def search(terms: StoreOptions, operation: FindFingerprints) -> tuple[str, ...]:
    """Find fingerprints by their beginning."""
    begins = prefix_filter(operation.prefix)
    if begins is None:
        return ()
    found = _whole(terms).filter(begins).order_by("key")
    with read_only(terms.using):
        return tuple(key.hex for key in found.values_list("key", flat=True)[: operation.limit])


def dead(_terms: StoreOptions, _operation: ListDeadLetters) -> tuple[DeadLetter, ...]:
    """Give nothing: without a queue, what fails is failed until it comes again."""
    return ()


def reopen(terms: StoreOptions, operation: ResetRecord) -> State | None:
    """Make an ended delivery runnable again, or drop it; give the state that it was in."""
    with transaction(terms.using):
        held, now = lock_one(deliveries(terms).filter(key=uuid(operation.key), original=None))
        if held is None or held.expires <= now:
            return None
        if held.state != State.RUNNING:
            delete(guards(terms).filter(delivery=held.key))
            _reopen(terms, operation, held)
        return State(held.state)


def _reopen(terms: StoreOptions, operation: ResetRecord, held: Delivery) -> None:
    fields: dict[str, object] = {"token": b"", "until": 0, "handlers": {}, "reason": ""}
    if operation.mode is ResetMode.DROP:
        fields |= {"state": State.DONE.value, "body": None}
    else:
        fields |= {"state": State.FAILED.value, "expires": from_now(terms.keep)}
    deliveries(terms).filter(key=held.key).update(**fields)


def _whole(terms: StoreOptions) -> QuerySet[Delivery]:
    return deliveries(terms).filter(body__isnull=False, expires__gt=Clock())


def _record(row: Delivery, body: bytes | None) -> Record:
    return Record(
        fingerprint=row.fingerprint,
        state=State(row.state),
        event=row.event,
        delivery_id=row.delivery_id or None,
        received_at=from_db(row.received_at),
        finished_at=from_db(row.finished_at),
        secret=row.secret,
        attempt=row.attempt,
        handlers=row.handlers,
        reasons={"": row.reason} if row.reason else {},
        body=bytes(body or b""),
    )
