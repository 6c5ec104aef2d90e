"""Answer who may do what happens once, or only for the newest event."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.core.stores.rules import GuardState
from florentin_webhooks.core.stores.rules import decide_guard as judge
from florentin_webhooks.django.models import Guard
from florentin_webhooks.django.store.clock import Clock, from_now
from florentin_webhooks.django.store.rows import (
    StoreOptions,
    deliveries,
    guards,
    insert,
    lock_one,
    uuid,
)
from florentin_webhooks.django.store.transactions import join_transaction, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["latest", "once", "permit"]

_TRIES = 3
"""How often a guard may come to its end while it is looked up."""


def once(terms: StoreOptions, operation: Once) -> GuardGrant:
    """Give what the one who asks may do, as part of the transaction that is under way."""
    with join_transaction(terms.using) as connection:
        return _refuse_late(terms, operation) or permit(terms, connection, operation)


def latest(terms: StoreOptions, operation: Latest) -> GuardGrant:
    """Give what the one who asks may do."""
    with transaction(terms.using) as connection:
        return permit(terms, connection, operation)


def permit(
    terms: StoreOptions, connection: BaseDatabaseWrapper, operation: Once | Latest
) -> GuardGrant:
    """Give what the one who asks may do, in the transaction that is under way."""
    key = _key(operation)
    for _ in range(_TRIES):
        if operation.step is GuardStep.BEGIN and insert(connection, _first(terms, key, operation)):
            return GuardGrant(GuardDecision.RUN)
        held, now = lock_one(guards(terms).filter(key=key))
        if held is not None:
            return _judged(terms, operation, held, now)
        if operation.step is not GuardStep.BEGIN:
            return GuardGrant(GuardDecision.RUN)
    return GuardGrant(GuardDecision.BUSY)


def _refuse_late(terms: StoreOptions, operation: Once) -> GuardGrant | None:
    # One who wakes up late, when somebody else has the delivery, does nothing once. The row is
    # not locked: no attempt that comes meanwhile waits for a handler's own transaction.
    known = deliveries(terms).filter(key=uuid(operation.key), expires__gt=Clock())
    record = known.only("state", "token").first()
    if record is not None and record.state == State.DONE:
        return GuardGrant(GuardDecision.DONE)
    late = record is None or bytes(record.token) != operation.token
    if operation.step is GuardStep.BEGIN and late:
        return GuardGrant(GuardDecision.BUSY)
    return None


def _first(terms: StoreOptions, key: UUID, operation: Once | Latest) -> Guard:
    until = from_now(int(operation.seconds * 1000))
    if isinstance(operation, Once):
        delivery = uuid(operation.key)
        return Guard(key=key, delivery_id=delivery, token=operation.token, until=until)
    return Guard(key=key, token=operation.token, until=until, expires=from_now(terms.keep))


def _judged(terms: StoreOptions, operation: Once | Latest, held: Guard, now: int) -> GuardGrant:
    guarded = GuardState(bytes(held.token), held.until / 1000, held.watermark, held.done)
    if held.expires is not None and held.expires <= now:
        guarded = GuardState()
    answer = judge(guarded, operation, now / 1000)
    if answer.permission is GuardDecision.RUN:
        guards(terms).filter(key=held.key).update(
            token=guarded.token,
            until=int(guarded.lease_expires_at * 1000),
            watermark=guarded.watermark,
            done=guarded.done,
            expires=None if held.expires is None else from_now(terms.keep),
        )
    return answer


def _key(operation: Once | Latest) -> UUID:
    if isinstance(operation, Once):
        words = b"once\0" + operation.key + operation.label.encode()
    else:
        words = b"latest\0" + operation.entity
    return uuid(sha256(words).digest()[:16])
