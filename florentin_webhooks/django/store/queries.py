"""Queries of operators: look deliveries up, list them, reset them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from florentin_webhooks.core.stores.accept import split_ending
from florentin_webhooks.core.stores.base import NO_DELIVERY, State
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Position,
    Record,
    RecordPage,
    ResetMode,
    ResetRecord,
)
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import Clock, from_db, from_now, to_datetime, to_db
from florentin_webhooks.django.store.rows import (
    StoreOptions,
    delete,
    deliveries,
    guards,
    lock_one,
    prefix_filter,
    to_uuid,
)
from florentin_webhooks.django.store.transactions import join_transaction, read_only, transaction

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = [
    "find_delivery_id",
    "find_fingerprints",
    "get_record",
    "list_dead_letters",
    "list_records",
    "probe",
    "reset_record",
]


def get_record(options: StoreOptions, operation: GetRecord) -> Record | None:
    """Return the record of one delivery, or None."""
    key, known = to_uuid(operation.key), Delivery.objects.using(options.using)
    with read_only(options.using):
        first = known.filter(key=key).values_list("original", flat=True).first()
        row = known.filter(key=first or key, original=None, expires__gt=Clock()).first()
    return None if row is None else _to_record(row, row.body)


def probe(options: StoreOptions, *, writes: bool) -> None:
    """Ask for a record that no delivery has; with *writes*, delete it."""
    if not writes:
        get_record(options, GetRecord(NO_DELIVERY))
        return
    with join_transaction(options.using):
        delete(deliveries(options).filter(key=to_uuid(NO_DELIVERY)))


def list_records(options: StoreOptions, operation: ListRecords) -> RecordPage:
    """Return records, the newest first."""
    rows = _before(_with_body(options), operation.before)
    if states := operation.wanted_states:
        rows = rows.filter(state__in=states)
    if operation.event is not None:
        rows = rows.filter(event=operation.event)
    if operation.delivery_id is not None:
        rows = rows.filter(delivery_id=operation.delivery_id)
    if operation.since is not None:
        rows = rows.filter(received_at__gte=to_db(operation.since))
    if operation.until is not None:
        rows = rows.filter(received_at__lte=to_db(operation.until))
    if operation.bodies:
        rows = rows.defer(None)
    rows = rows.order_by("-received_at", "-key")[: operation.limit]
    with read_only(options.using):
        records = [_to_record(row, row.body if operation.bodies else None) for row in rows]
    is_full = len(records) == operation.limit
    return RecordPage(tuple(records), records[-1].position if is_full else None)


def _before(rows: QuerySet[Delivery], position: Position | None) -> QuerySet[Delivery]:
    """Return *rows* without those at *position* or after it; a bound first, for the index."""
    if position is None:
        return rows
    received = to_db(position.time)
    rows = rows.filter(received_at__lte=received)
    try:
        key = UUID(position.fingerprint)
    except ValueError:  # Of another list that is shown together with this one.
        return rows
    return rows.exclude(received_at=received, key__gte=key)


def find_fingerprints(options: StoreOptions, operation: FindFingerprints) -> tuple[str, ...]:
    """Return the fingerprints with a prefix, in hex."""
    has_prefix = prefix_filter(operation.prefix)
    if has_prefix is None:
        return ()
    found = _with_body(options).filter(has_prefix).order_by("key")
    with read_only(options.using):
        return tuple(key.hex for key in found.values_list("key", flat=True)[: operation.limit])


def find_delivery_id(options: StoreOptions, operation: FindDeliveryId) -> tuple[str, ...]:
    """Return the fingerprints of what came under a delivery id, in hex, the newest first."""
    rows = Delivery.objects.using(options.using).filter(original=None, expires__gt=Clock())
    found = rows.filter(sent_under__in=[to_uuid(each) for each in operation.keys])
    with read_only(options.using):
        return tuple(
            key.hex for key in found.order_by("-received_at").values_list("key", flat=True)
        )


def list_dead_letters(
    _options: StoreOptions, _operation: ListDeadLetters
) -> tuple[DeadLetter, ...]:
    """Return nothing: without a queue there are no dead letters."""
    return ()


def reset_record(options: StoreOptions, operation: ResetRecord) -> State | None:
    """Make an ended delivery runnable again, or drop it; return its former state."""
    with transaction(options.using):
        rows = deliveries(options).filter(key=to_uuid(operation.key), original=None)
        row, now = lock_one(rows)
        if row is None or row.expires <= now or operation.seen not in (None, row.state):
            return None
        if row.state == State.RUNNING and row.until > now:
            return None
        if not operation.handlers:
            delete(guards(options).filter(delivery=row.key))
        _reset(options, operation, row)
        return State(row.state)


def _reset(options: StoreOptions, operation: ResetRecord, row: Delivery) -> None:
    again = operation.handlers or row.handlers
    kept = {name: end for name, end in row.handlers.items() if name not in again}
    fields: dict[str, object] = {"token": b"", "until": 0, "handlers": kept, "reason": ""}
    fields["next_attempt"] = 0
    if operation.mode is ResetMode.DROP:
        fields |= {"state": State.DONE.value, "body": None}
    else:
        expires = from_now(options.unfinished_retention)
        fields |= {"state": State.FAILED.value, "expires": expires}
    deliveries(options).filter(key=row.key).update(**fields)


def _with_body(options: StoreOptions) -> QuerySet[Delivery]:
    return deliveries(options).filter(body__isnull=False, expires__gt=Clock())


def _to_record(row: Delivery, body: bytes | None) -> Record:
    endings = {name: split_ending(stored) for name, stored in row.handlers.items()}
    return Record(
        fingerprint=row.fingerprint,
        state=State(row.state),
        event=row.event,
        delivery_id=row.delivery_id or None,
        received_at=from_db(row.received_at),
        finished_at=from_db(row.finished_at),
        secret=row.secret,
        attempt=row.attempt,
        handlers={name: outcome for name, (outcome, _) in endings.items()},
        reasons={"": row.reason} if row.reason else {},
        body=bytes(body or b""),
        key_id=row.key_id,
        notes={name: note for name, (_, note) in endings.items() if note},
        next_attempts={"": to_datetime(row.next_attempt)} if row.next_attempt else {},
        leases={"": to_datetime(row.until)} if row.until else {},
    )
