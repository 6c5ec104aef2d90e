"""Answer operators: what came, what became of it, and open or drop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    Dead,
    DeadJob,
    Find,
    List,
    Mode,
    Record,
    Reopen,
    Search,
)
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import Clock, later, seen, stored
from florentin_webhooks.django.store.rows import (
    Terms,
    beginning,
    delete,
    deliveries,
    guards,
    hold,
    uuid,
)
from florentin_webhooks.django.store.transactions import looking, transaction

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["dead", "find", "list_", "reopen", "search"]


def find(terms: Terms, operation: Find) -> Record | None:
    """Look one delivery up."""
    known = Delivery.objects.using(terms.using).filter(expires__gt=Clock())
    with looking(terms.using):
        row = known.filter(key=uuid(operation.key), original=None).first()
    return None if row is None else _record(row, row.body)


def list_(terms: Terms, operation: List) -> tuple[Record, ...]:
    """List deliveries, newest first."""
    rows = _whole(terms)
    if operation.state is not None:
        rows = rows.filter(state=operation.state.value)
    if operation.event is not None:
        rows = rows.filter(event=operation.event)
    if operation.since is not None:
        rows = rows.filter(received_at__gte=stored(operation.since))
    if operation.until is not None:
        rows = rows.filter(received_at__lte=stored(operation.until))
    if operation.bodies:
        rows = rows.defer(None)
    rows = rows.order_by("-received_at", "-key")[: operation.limit]
    with looking(terms.using):
        return tuple(_record(row, row.body if operation.bodies else None) for row in rows)


def search(terms: Terms, operation: Search) -> tuple[str, ...]:
    """Find fingerprints by their beginning."""
    begins = beginning(operation.prefix)
    if begins is None:
        return ()
    found = _whole(terms).filter(begins).order_by("key")
    with looking(terms.using):
        return tuple(key.hex for key in found.values_list("key", flat=True)[: operation.limit])


def dead(_terms: Terms, _operation: Dead) -> tuple[DeadJob, ...]:
    """Give nothing: without a queue, what fails is failed until it comes again."""
    return ()


def reopen(terms: Terms, operation: Reopen) -> State | None:
    """Make an ended delivery runnable again, or drop it; give the state that it was in."""
    with transaction(terms.using):
        held, now = hold(deliveries(terms).filter(key=uuid(operation.key), original=None))
        if held is None or held.expires <= now:
            return None
        if held.state != State.RUNNING:
            delete(guards(terms).filter(delivery=held.key))
            _reopen(terms, operation, held)
        return State(held.state)


def _reopen(terms: Terms, operation: Reopen, held: Delivery) -> None:
    fields: dict[str, object] = {"token": b"", "until": 0, "handlers": {}, "reason": ""}
    if operation.mode is Mode.DROP:
        fields |= {"state": State.DONE.value, "body": None}
    else:
        fields |= {"state": State.FAILED.value, "expires": later(terms.keep)}
    deliveries(terms).filter(key=held.key).update(**fields)


def _whole(terms: Terms) -> QuerySet[Delivery]:
    return deliveries(terms).filter(body__isnull=False, expires__gt=Clock())


def _record(row: Delivery, body: bytes | None) -> Record:
    return Record(
        fingerprint=row.fingerprint,
        state=State(row.state),
        event=row.event,
        delivery_id=row.delivery_id or None,
        received_at=seen(row.received_at),
        finished_at=seen(row.finished_at),
        secret=row.secret,
        attempt=row.attempt,
        handlers=row.handlers,
        reasons={"": row.reason} if row.reason else {},
        body=bytes(body or b""),
    )
