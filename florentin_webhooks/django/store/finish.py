"""Record how handlers end, with the token of the lease only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.store.clock import Clock, from_now, moment, to_db
from florentin_webhooks.django.store.rows import StoreOptions, deliveries, lock_one, uuid
from florentin_webhooks.django.store.transactions import transaction

if TYPE_CHECKING:
    from florentin_webhooks.django.models import Delivery

__all__ = ["finish", "holds_lease", "record"]


def finish(terms: StoreOptions, operation: Finish) -> State:
    """Record that a handler has ended; give the state of the record, or LOST."""
    with transaction(terms.using):
        held, now = _held(terms, operation)
        if held is not None and held.state == State.DONE:
            return State.DONE  # Also the answer to one that was sent twice.
        return _record(terms, operation, held, now)


def record(terms: StoreOptions, operation: Finish) -> State:
    """Record it in the transaction that is under way; LOST where it is done, but not by this."""
    held, now = _held(terms, operation)
    if held is not None and held.state == State.DONE:
        return State.LOST
    return _record(terms, operation, held, now)


def holds_lease(terms: StoreOptions, operation: Finish) -> bool:
    """Tell whether *operation* would count right now, and lock nothing."""
    mine = deliveries(terms).filter(key=uuid(operation.key), token=operation.token)
    return mine.filter(state=State.RUNNING, expires__gt=Clock()).exists()


def _held(terms: StoreOptions, operation: Finish) -> tuple[Delivery | None, int]:
    held, now = lock_one(deliveries(terms).filter(key=uuid(operation.key), original=None))
    return (held if held is not None and held.expires > now else None), now


def _record(terms: StoreOptions, operation: Finish, held: Delivery | None, now: int) -> State:
    if held is None or bytes(held.token) != operation.token:
        return State.LOST
    fields: dict[str, object] = {"state": operation.state.value, "expires": from_now(terms.keep)}
    if operation.handler is not None:
        held.handlers[operation.handler] = operation.ending.value
        fields["handlers"] = held.handlers
    if operation.reason:
        fields["reason"] = operation.reason
    if operation.state is State.RUNNING:
        fields["until"] = from_now(terms.lease)
    else:
        fields |= {"token": b"", "until": 0}
    if operation.state is State.DONE:
        fields |= {"reason": "", "expires": from_now(terms.retention)}
        fields["finished_at"] = to_db(moment(now))
        if not terms.history:
            fields |= {"body": None, "handlers": {}}
    deliveries(terms).filter(key=held.key).update(**fields)
    return operation.state
