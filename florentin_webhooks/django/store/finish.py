"""Record the outcome of handlers; only the holder of the lease can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.store.clock import Clock, from_now, to_datetime, to_db
from florentin_webhooks.django.store.rows import StoreOptions, deliveries, lock_one, to_uuid
from florentin_webhooks.django.store.transactions import transaction

if TYPE_CHECKING:
    from florentin_webhooks.django.models import Delivery

__all__ = ["finish", "finish_within", "holds_lease"]


def finish(options: StoreOptions, operation: Finish) -> State:
    """Record that a handler has ended; return the state of the record, or LOST."""
    with transaction(options.using):
        row, now = _lock_delivery(options, operation)
        if row is not None and row.state == State.DONE:
            return State.DONE  # Also for an operation that was sent twice.
        return _update(options, operation, row, now)


def finish_within(options: StoreOptions, operation: Finish) -> State:
    """Record the end in the current transaction; LOST if another attempt has completed it."""
    row, now = _lock_delivery(options, operation)
    if row is not None and row.state == State.DONE:
        return State.LOST
    return _update(options, operation, row, now)


def holds_lease(options: StoreOptions, operation: Finish) -> bool:
    """Return whether the token of *operation* holds the lease now, without a lock."""
    mine = deliveries(options).filter(key=to_uuid(operation.key), token=operation.token)
    return mine.filter(state=State.RUNNING, expires__gt=Clock()).exists()


def _lock_delivery(options: StoreOptions, operation: Finish) -> tuple[Delivery | None, int]:
    rows = deliveries(options).filter(key=to_uuid(operation.key), original=None)
    row, now = lock_one(rows)
    return (row if row is not None and row.expires > now else None), now


def _update(options: StoreOptions, operation: Finish, row: Delivery | None, now: int) -> State:
    if row is None or bytes(row.token) != operation.token:
        return State.LOST
    fields: dict[str, object] = {
        "state": operation.state.value,
        "expires": from_now(options.unfinished_retention),
    }
    if operation.handler is not None:
        row.handlers[operation.handler] = operation.ending
        fields["handlers"] = row.handlers
    if operation.reason:
        fields["reason"] = operation.reason
    if operation.state is State.RUNNING:
        fields["until"] = from_now(options.lease)
    else:
        fields |= {"token": b"", "until": 0}
    if operation.wait is not None:
        fields["next_attempt"] = from_now(int(operation.wait * 1000))
    if operation.state is State.DONE:
        fields |= _fields_of_done(options, now)
    deliveries(options).filter(key=row.key).update(**fields)
    return operation.state


def _fields_of_done(options: StoreOptions, now: int) -> dict[str, object]:
    fields: dict[str, object] = {
        "reason": "",
        "expires": from_now(options.retention),
        "finished_at": to_db(to_datetime(now)),
    }
    if not options.history:
        fields["body"], fields["handlers"] = None, {}
    return fields
