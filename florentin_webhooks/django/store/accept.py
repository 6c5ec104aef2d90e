"""Accept a delivery: insert it or find the original, decide, and take the lease.

The insert comes first and decides which request wins, also between retries with a new timestamp:
keys are unique, and so is the content under one delivery id. A request that loses waits for the
winner. Then it locks the row of the original, that row only, and decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.rules import decide_accept
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import Clock, from_now, to_db
from florentin_webhooks.django.store.rows import (
    StoreOptions,
    delete_deliveries,
    deliveries,
    insert_or_ignore,
    lock_one,
    to_uuid,
)
from florentin_webhooks.django.store.transactions import transaction
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from florentin_webhooks.protocol.fingerprint import RetryKey

__all__ = ["accept"]

_TRIES = 5
"""How often a record may expire or appear between the insert and the lock."""


def accept(options: StoreOptions, operation: Accept) -> Claim:
    """Return the decision on a delivery; a RUN includes the lease."""
    with transaction(options.using) as connection:
        is_elsewhere = bool(operation.aliases) and _lock_aliases(options, connection, operation)
        for attempt in range(_TRIES):
            claim = None
            if not is_elsewhere or attempt:
                claim = _accept_new(options, connection, operation)
            claim = claim or _accept_known(options, connection, operation)
            if claim is not None:
                return claim
    raise Unavailable(
        f"The record of the delivery changed {_TRIES} times during one lookup "
        f"in the database {options.using!r}."
    )


def _accept_new(
    options: StoreOptions, connection: BaseDatabaseWrapper, operation: Accept
) -> Claim | None:
    """Insert the delivery; None if it is known."""
    decision, delivery = decide_accept(operation, None), operation.delivery
    runs = decision is AcceptDecision.RUN
    row = Delivery(
        key=to_uuid(operation.key),
        state=_state_for(decision),
        attempt=int(runs),
        expires=from_now(options.unfinished_retention),
        event=delivery.event,
        delivery_id=delivery.delivery_id or "",
        received_at=to_db(delivery.received_at),
        secret=delivery.secret,
        key_id=delivery.key_id,
        body=delivery.body,
        reason="" if runs else operation.reason,
        **(_lease(options, operation) if runs else {}),
        **(_second_key(operation.trace) if operation.trace else {}),
    )
    if not insert_or_ignore(connection, row):
        return None
    return Claim(decision, operation.key, row.attempt, id_reused=_is_id_reused(options, row))


def _second_key(trace: RetryKey) -> dict[str, UUID]:
    return {"sent_under": to_uuid(trace.delivery_id), "content": to_uuid(trace.content)}


def _lock_aliases(
    options: StoreOptions, connection: BaseDatabaseWrapper, operation: Accept
) -> bool:
    """Return whether the delivery is known under another key id only.

    During a rotation, requests for the same delivery under different keys wait for one another: no
    unique key does that for them.
    """
    if len(operation.aliases) > 1 and connection.vendor == "postgresql":
        smallest = min(each.key for each in operation.lookups)
        number = int.from_bytes(smallest[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
    original, is_own = _find_original(options, to_uuid(operation.key), operation)
    return original is not None and not is_own


def _is_id_reused(options: StoreOptions, row: Delivery) -> bool:
    if row.sent_under is None:
        return False
    others = deliveries(options).filter(sent_under=row.sent_under, expires__gt=Clock())
    return others.exclude(key=row.key).exists()


def _accept_known(
    options: StoreOptions, connection: BaseDatabaseWrapper, operation: Accept
) -> Claim | None:
    """Decide on a known delivery; None if it has just expired or appeared."""
    key = to_uuid(operation.key)
    original, key_is_known = _find_original(options, key, operation)
    row, now = lock_one(deliveries(options).filter(key=original))
    if row is None:
        return None
    if row.expires <= now:
        delete_deliveries(options, [row.key])
        return None
    # This key is known from here on, also under any other delivery id.
    retry = Delivery(key=key, original_id=row.key, expires=0)
    if not key_is_known and not insert_or_ignore(connection, retry):
        return None
    return _decide(options, operation, row, now, is_new_key=not key_is_known)


def _find_original(options: StoreOptions, key: UUID, operation: Accept) -> tuple[UUID | None, bool]:
    """Return the key of the original, and whether *key* itself is known."""
    same = Q()
    for each, trace in operation.lookups:
        same |= Q(key=to_uuid(each))
        if trace is not None:
            same |= Q(**_second_key(trace))
    found = {row.key: row for row in deliveries(options).filter(same).only("key", "original")}
    if key in found:
        return found[key].original_id or key, True
    return next((row.original_id or row.key for row in found.values()), None), False


def _decide(
    options: StoreOptions, operation: Accept, row: Delivery, now: int, *, is_new_key: bool
) -> Claim:
    wait = (row.until - now) / 1000
    decision = decide_accept(operation, State(row.state), bytes(row.token), wait)
    key = row.key.bytes
    traces = [trace for _, trace in operation.lookups if trace is not None]
    ids = {to_uuid(each.delivery_id) for each in traces}
    id_changed = bool(ids) and row.sent_under not in ids
    if decision is AcceptDecision.IN_PROGRESS:
        return Claim(decision, key, wait=wait, id_changed=id_changed)
    if decision is AcceptDecision.DUPLICATE:
        if is_new_key:  # It is remembered for a whole retention from now.
            _update(options, row, expires=from_now(options.retention))
        return Claim(decision, key, id_changed=id_changed)
    _reopen(options, operation, row, decision)
    done = frozenset(row.handlers)
    return Claim(decision, key, row.attempt, done=done, id_changed=id_changed)


def _reopen(
    options: StoreOptions, operation: Accept, row: Delivery, decision: AcceptDecision
) -> None:
    lease: dict[str, object] = {"token": b"", "until": 0, "reason": operation.reason}
    if decision is AcceptDecision.RUN:
        row.attempt += bytes(row.token) != operation.token
        lease = _lease(options, operation)
    _update(
        options,
        row,
        state=_state_for(decision),
        attempt=row.attempt,
        expires=from_now(options.unfinished_retention),
        next_attempt=0,
        **lease,
    )


def _lease(options: StoreOptions, operation: Accept) -> dict[str, object]:
    return {"token": operation.token, "until": from_now(options.lease)}


def _update(options: StoreOptions, row: Delivery, **fields: object) -> None:
    deliveries(options).filter(key=row.key).update(**fields)


def _state_for(decision: AcceptDecision) -> State:
    return State.RUNNING if decision is AcceptDecision.RUN else State(decision.value)
