"""Delete what has come to its end, and let go of old bodies: a little at a time, as work goes on.

Not in the transaction of the delivery at hand, which must neither wait for it nor fail with it. A
fingerprint is as good as drawn at random, so one delivery in so many does it for all.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.store.clock import Clock
from florentin_webhooks.django.store.rows import StoreOptions, delete, deliveries, forget, guards
from florentin_webhooks.django.store.transactions import transaction
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

__all__ = ["drop_old_bodies", "sweep"]

M = TypeVar("M", bound=Model)

_SWEEP_EVERY, _LET_GO_EVERY = 16, 64
_TIMES = 4
"""How many are dealt with for each one that has come meanwhile, so that nothing piles up."""

_SECONDS, _LOCK = 0.5, 0.1


def sweep(terms: StoreOptions, key: bytes) -> None:
    """Delete some of what has expired, where it is the turn of *key*."""
    if int.from_bytes(key) % _SWEEP_EVERY:
        return
    with suppress(Unavailable), transaction(terms.using, _SECONDS, _LOCK):
        ended = deliveries(terms).filter(original=None, expires__lte=Clock()).order_by("expires")
        if keys := _some(ended):
            forget(terms, keys)
        if keys := _some(guards(terms).filter(expires__lte=Clock()).order_by("expires")):
            delete(guards(terms).filter(key__in=keys))


def drop_old_bodies(terms: StoreOptions, key: bytes) -> None:
    """Let go of the bodies of all that is done but the newest, where it is the turn of *key*."""
    # Whoever skips the newest counts them; the more of them, the less often.
    every = max(1, min(terms.history // _SWEEP_EVERY, _LET_GO_EVERY))
    if not terms.history or int.from_bytes(key) % every:
        return
    with suppress(Unavailable), transaction(terms.using, _SECONDS, _LOCK):
        done = deliveries(terms).filter(state=State.DONE.value, body__isnull=False)
        older = done.order_by("-finished_at").values_list("key", flat=True)
        keys = list(older[terms.history : terms.history + _TIMES * _LET_GO_EVERY])
        if keys:
            done.filter(key__in=keys).update(body=None, handlers={})


def _some(rows: QuerySet[M]) -> list[UUID]:
    """Lock and give the keys of some *rows*, without those that somebody is busy with."""
    keys = rows.select_for_update(skip_locked=True).values_list("key", flat=True)
    return list(keys[: _TIMES * _SWEEP_EVERY])
