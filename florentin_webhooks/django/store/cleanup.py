"""Delete expired records and old bodies, a few at a time, as deliveries come.

Each cleanup is a transaction of its own, so that the current delivery neither waits for it nor
fails with it. Fingerprints are random, so their last bits choose the deliveries that clean up.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.store.clock import Clock
from florentin_webhooks.django.store.rows import (
    StoreOptions,
    delete,
    delete_deliveries,
    deliveries,
    guards,
)
from florentin_webhooks.django.store.transactions import transaction
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

__all__ = ["delete_expired", "drop_old_bodies"]

M = TypeVar("M", bound=Model)

_DELETE_EVERY, _DROP_EVERY = 16, 64
_FACTOR = 4
"""Rows cleaned up for each one added meanwhile, so that a backlog shrinks."""

_SECONDS, _LOCK_SECONDS = 0.5, 0.1


def delete_expired(options: StoreOptions, key: bytes) -> None:
    """Delete some expired records, if *key* is one of sixteen."""
    if int.from_bytes(key) % _DELETE_EVERY:
        return
    with suppress(Unavailable), transaction(options.using, _SECONDS, _LOCK_SECONDS):
        expired = deliveries(options).filter(original=None, expires__lte=Clock())
        if keys := _lock_some(expired.order_by("expires")):
            delete_deliveries(options, keys)
        if keys := _lock_some(guards(options).filter(expires__lte=Clock()).order_by("expires")):
            delete(guards(options).filter(key__in=keys))


def drop_old_bodies(options: StoreOptions, key: bytes) -> None:
    """Delete the bodies of completed deliveries beyond the newest, if *key* is one of many."""
    # Skipping the newest counts them, so a longer history is cleaned up less often.
    every = max(1, min(options.history // _DELETE_EVERY, _DROP_EVERY))
    if not options.history or int.from_bytes(key) % every:
        return
    with suppress(Unavailable), transaction(options.using, _SECONDS, _LOCK_SECONDS):
        done = deliveries(options).filter(state=State.DONE.value, body__isnull=False)
        older = done.order_by("-finished_at").values_list("key", flat=True)
        keys = list(older[options.history : options.history + _FACTOR * _DROP_EVERY])
        if keys:
            done.filter(key__in=keys).update(body=None, handlers={})


def _lock_some(rows: QuerySet[M]) -> list[UUID]:
    """Lock some *rows* that no other transaction has locked, and return their keys."""
    keys = rows.select_for_update(skip_locked=True).values_list("key", flat=True)
    return list(keys[: _FACTOR * _DELETE_EVERY])
