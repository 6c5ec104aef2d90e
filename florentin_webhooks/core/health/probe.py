"""Ask a receiver for its health, in bounded time, and answer a probe with it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from florentin_webhooks.core.health.check import (
    DEFAULT_LIMITS,
    Health,
    HealthFacts,
    HealthLimits,
    judge,
)
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.queue import MeasuredQueue
from florentin_webhooks.core.stores.base import NO_DELIVERY, ProbedStore
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import QueueFacts
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store

__all__ = ["Probe", "answer_probe", "ask_store", "gather_facts", "health"]

_NO_ANSWER = "The store takes no deliveries. The log has the reason."
_NO_SPOOL = "The spool cannot be used. The log has the reason."


class Probe(StrEnum):
    """What a health check asks for, as the last part of its path."""

    LIVE = "live"
    READY = "ready"
    ALL = "health"

    @classmethod
    def of(cls, path: str) -> Probe:
        """Return the probe that *path* ends with, by default ALL."""
        name = path.rstrip("/").rpartition("/")[2]
        return cls(name) if name in (cls.LIVE, cls.READY) else cls.ALL


def answer_probe(
    hooks: Receiver[object], probe: Probe, limits: HealthLimits = DEFAULT_LIMITS
) -> tuple[int, bytes]:
    """Return the HTTP status and the JSON that answer *probe*; LIVE asks no store.

    Why a store or a spool fails is logged: it names their places, which are not for everyone.
    """
    if probe is Probe.LIVE:
        return HTTPStatus.OK, b'{"ok":true}'
    queues = probe is Probe.ALL
    found = judge(_conceal(gather_facts(hooks, queues=queues)), limits, datetime.now(UTC))
    is_well = found.ready if probe is Probe.READY else found.ok
    return HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE, found.to_json()


def _conceal(facts: HealthFacts) -> HealthFacts:
    """Log why the store or the spool fails, and return *facts* without it."""
    spool = facts.spool
    if facts.store_error is not None:
        logger.warning("The health check found: %s", facts.store_error)
        facts = facts._replace(store_error=_NO_ANSWER)
    if spool is not None and spool.error:
        logger.warning("The health check found: %s", spool.error)
        facts = facts._replace(spool=spool._replace(error=_NO_SPOOL))
    return facts


def health(hooks: Receiver[object], limits: HealthLimits = DEFAULT_LIMITS) -> Health:
    """Return the health of *hooks*; asks its store, for a few seconds at most, and never raises."""
    return judge(gather_facts(hooks), limits, datetime.now(UTC))


def ask_store(store: Store, *, writes: bool = False) -> None:
    """Raise :class:`Unavailable` unless *store* answers, or one of its nodes.

    With *writes*, also if it answers but refuses to write: a replica, a full memory or disk.
    """
    if isinstance(store, ProbedStore):
        store.probe(writes=writes)
    else:
        store.execute(GetRecord(NO_DELIVERY))


def gather_facts(hooks: Receiver[object], *, queues: bool = True) -> HealthFacts:
    """Return what the store and the spool of *hooks* are found to be, and its *queues*."""
    spool = None if hooks.spool is None else hooks.spool.measure()
    return _gather_stored(hooks, queues=queues)._replace(spool=spool)


def _gather_stored(hooks: Receiver[object], *, queues: bool) -> HealthFacts:
    store = hooks.store
    queue: object = hooks.queue
    found: tuple[QueueFacts, ...] = ()
    try:
        if queues and isinstance(queue, MeasuredQueue):
            ask_store(store)
            found = queue.measure(store, hooks.queue_names)
        if not getattr(store, "is_immediate", False):
            ask_store(store, writes=True)
    except (ConfigurationError, Unavailable) as error:
        return HealthFacts(error.message, found, store_hint=error.hint)
    return HealthFacts(queues=found)
