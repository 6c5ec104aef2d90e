"""Idempotency guards and high-water marks in the database."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.core.stores.rules import GuardState, decide_guard
from florentin_webhooks.django.models import Guard
from florentin_webhooks.django.store.clock import Clock, from_now
from florentin_webhooks.django.store.rows import (
    StoreOptions,
    deliveries,
    guards,
    insert_or_ignore,
    lock_one,
    to_uuid,
)
from florentin_webhooks.django.store.transactions import join_transaction, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["latest", "once", "request_guard"]

_TRIES = 3
"""How often a guard may be deleted between the insert and the lock."""


def once(options: StoreOptions, operation: Once) -> GuardGrant:
    """Request an idempotency guard, as part of the current transaction."""
    with join_transaction(options.using) as connection:
        refused = _refuse_expired_lease(options, operation)
        return refused or request_guard(options, connection, operation)


def latest(options: StoreOptions, operation: Latest) -> GuardGrant:
    """Request the high-water mark of an entity."""
    with transaction(options.using) as connection:
        return request_guard(options, connection, operation)


def request_guard(
    options: StoreOptions, connection: BaseDatabaseWrapper, operation: Once | Latest
) -> GuardGrant:
    """Request a guard in the current transaction; return what the caller may do."""
    key, begins = _key(operation), operation.step is GuardStep.BEGIN
    if begins and isinstance(operation, Latest) and _is_superseded(options, operation):
        return GuardGrant(GuardDecision.SUPERSEDED)
    for _ in range(_TRIES):
        if begins and insert_or_ignore(connection, _new_guard(options, key, operation)):
            return GuardGrant(GuardDecision.RUN)
        row, now = lock_one(guards(options).filter(key=key))
        if row is not None:
            return _decide(options, operation, row, now)
        if not begins:
            return GuardGrant(GuardDecision.RUN)
    return GuardGrant(GuardDecision.BUSY)


def _refuse_expired_lease(options: StoreOptions, operation: Once) -> GuardGrant | None:
    # An owner whose lease has expired and was taken over must not enter. The row is not locked,
    # so that no other attempt waits for the transaction of a handler.
    known = deliveries(options).filter(key=to_uuid(operation.key), expires__gt=Clock())
    row = known.only("state", "token").first()
    if row is not None and row.state == State.DONE:
        return GuardGrant(GuardDecision.DONE)
    expired = row is None or bytes(row.token) != operation.token
    if operation.step is GuardStep.BEGIN and expired:
        return GuardGrant(GuardDecision.BUSY)
    return None


def _new_guard(options: StoreOptions, key: UUID, operation: Once | Latest) -> Guard:
    until = from_now(int(operation.seconds * 1000))
    if isinstance(operation, Once):
        delivery = to_uuid(operation.key)
        return Guard(key=key, delivery_id=delivery, token=operation.token, until=until)
    expires = from_now(options.unfinished_retention)
    return Guard(key=key, token=operation.token, until=until, expires=expires)


def _decide(options: StoreOptions, operation: Once | Latest, row: Guard, now: int) -> GuardGrant:
    state = GuardState(bytes(row.token), row.until / 1000, row.watermark, row.done)
    if row.expires is not None and row.expires <= now:
        state = GuardState()
    grant = decide_guard(state, operation, now / 1000)
    if grant.decision is GuardDecision.RUN:
        guards(options).filter(key=row.key).update(
            token=state.token,
            until=int(state.lease_expires_at * 1000),
            watermark=state.watermark,
            done=state.done,
            expires=None if row.expires is None else from_now(options.unfinished_retention),
        )
    return grant


def _key(operation: Once | Latest) -> UUID:
    if isinstance(operation, Once):
        name = b"once\0" + operation.key + operation.label.encode()
    else:
        return _latest_key(operation.entity)
    return to_uuid(sha256(name).digest()[:16])


def _latest_key(entity: bytes) -> UUID:
    return to_uuid(sha256(b"latest\0" + entity).digest()[:16])


def _is_superseded(options: StoreOptions, latest: Latest) -> bool:
    """Return whether a newer event was handled under another key id."""
    if not latest.aliases:
        return False
    others = guards(options).filter(key__in=[_latest_key(each) for each in latest.aliases])
    return others.filter(watermark__gt=latest.timestamp, expires__gt=Clock()).exists()
