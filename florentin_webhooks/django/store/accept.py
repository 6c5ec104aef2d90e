"""Look a delivery up, or remember it, and take its lease.

The insert comes first and decides who is first, also between retries that were stamped anew: what
was sent under one delivery id is unique, as are keys. Whoever loses waits for the winner, and then
holds the row of the original, one row and no other, while it judges.
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
    deliveries,
    forget,
    insert,
    lock_one,
    uuid,
)
from florentin_webhooks.django.store.transactions import transaction
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["accept"]

_TRIES = 5
"""How often a delivery may come to an end of its time while it is looked up."""


def accept(terms: StoreOptions, operation: Accept) -> Claim:
    """Give what is to be done; with RUN comes the lease."""
    with transaction(terms.using) as connection:
        for _ in range(_TRIES):
            claim = _remember(terms, connection, operation) or _recall(terms, connection, operation)
            if claim is not None:
                return claim
    message = f"the database {terms.using!r} changed too fast while a delivery was looked up"
    raise Unavailable(message)


def _remember(
    terms: StoreOptions, connection: BaseDatabaseWrapper, operation: Accept
) -> Claim | None:
    verdict, delivery = decide_accept(operation, None), operation.delivery
    runs = verdict is AcceptDecision.RUN
    row = Delivery(
        key=uuid(operation.key),
        state=_state(verdict),
        attempt=int(runs),
        expires=from_now(terms.keep),
        event=delivery.event,
        delivery_id=delivery.delivery_id or "",
        received_at=to_db(delivery.received_at),
        secret=delivery.secret,
        body=delivery.body,
        **({"token": operation.token, "until": from_now(terms.lease)} if runs else {}),
        **_second_key(operation),
    )
    if not insert(connection, row):
        return None
    return Claim(verdict, operation.key, row.attempt, id_reused=_reused(terms, row))


def _second_key(operation: Accept) -> dict[str, UUID]:
    if operation.trace is None:
        return {}
    return {
        "sent_under": uuid(operation.trace.delivery_id),
        "content": uuid(operation.trace.content),
    }


def _reused(terms: StoreOptions, row: Delivery) -> bool:
    if row.sent_under is None:
        return False
    others = deliveries(terms).filter(sent_under=row.sent_under, expires__gt=Clock())
    return others.exclude(key=row.key).exists()


def _recall(
    terms: StoreOptions, connection: BaseDatabaseWrapper, operation: Accept
) -> Claim | None:
    """Judge what is known; None where that has just come to its end, or begun."""
    key = uuid(operation.key)
    original, known = _original(terms, key, operation)
    held, now = lock_one(deliveries(terms).filter(key=original))
    if held is None:
        return None
    if held.expires <= now:
        forget(terms, [held.key])
        return None
    # From here on these bytes are known, also when they come under any other delivery id.
    if not known and not insert(connection, Delivery(key=key, original_id=held.key, expires=0)):
        return None
    return _judged(terms, operation, held, now, anew=not known)


def _original(terms: StoreOptions, key: UUID, operation: Accept) -> tuple[UUID | None, bool]:
    """Give the key of what came first, and whether *key* itself is known."""
    same = Q(key=key)
    if second := _second_key(operation):
        same |= Q(**second)
    found = {row.key: row for row in deliveries(terms).filter(same).only("key", "original")}
    if key in found:
        return found[key].original_id or key, True
    return next(iter(found), None), False


def _judged(
    terms: StoreOptions, operation: Accept, held: Delivery, now: int, *, anew: bool
) -> Claim:
    wait = (held.until - now) / 1000
    verdict = decide_accept(operation, State(held.state), bytes(held.token), wait)
    trace, key = operation.trace, held.key.bytes
    changed = trace is not None and held.sent_under != uuid(trace.delivery_id)
    if verdict is AcceptDecision.IN_PROGRESS:
        return Claim(verdict, key, wait=wait, id_changed=changed)
    if verdict is AcceptDecision.DUPLICATE:
        if anew:  # It is known for as long as if it had come first.
            _change(terms, held, expires=from_now(terms.retention))
        return Claim(verdict, key, id_changed=changed)
    if verdict is AcceptDecision.RUN:
        held.attempt += bytes(held.token) != operation.token
        lease = {"token": operation.token, "until": from_now(terms.lease)}
    else:
        lease = {"token": b"", "until": 0}
    expires = from_now(terms.keep)
    _change(terms, held, state=_state(verdict), attempt=held.attempt, expires=expires, **lease)
    return Claim(verdict, key, held.attempt, done=frozenset(held.handlers), id_changed=changed)


def _change(terms: StoreOptions, held: Delivery, **fields: object) -> None:
    deliveries(terms).filter(key=held.key).update(**fields)


def _state(verdict: AcceptDecision) -> State:
    return State.RUNNING if verdict is AcceptDecision.RUN else State(verdict.value)
