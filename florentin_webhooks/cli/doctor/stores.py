"""Check the store of a receiver, and the queues in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, skipped, warn
from florentin_webhooks.cli.doctor.queues import check_queue
from florentin_webhooks.cli.doctor.records import check_records
from florentin_webhooks.cli.doctor.redis_server import check_server
from florentin_webhooks.core.health.probe import ask_store
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["check_store"]

_NEWEST = 200
_LONGEST = 2.0
"""Seconds for each answer about a queue."""


def check_store(hooks: Receiver[object], app: str) -> Iterator[Check]:
    """Yield the checks of the store of *hooks*, and of its queues where the store answers."""
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415

    store = hooks.store
    if isinstance(store, MemoryStore):
        message = "Deliveries are remembered in one process only: after a restart a replay runs."
        hint = "Use Receiver(..., store=RedisStore(url)), or DjangoStore() in Django."
        yield warn("store", message, hint)
    elif isinstance(store, RedisStore):
        yield from _redis(store, hooks, app)
    else:
        yield from _other(hooks, app)


def _other(hooks: Receiver[object], app: str) -> Iterator[Check]:
    kind = type(hooks.store).__name__
    try:
        ask_store(hooks.store, writes=True)
    except Unavailable as error:
        yield fail("store", error.message, error.hint or "Start it, or correct its settings.")
    else:
        yield ok("store", f"{kind} answers.")
        yield from _records(hooks, app)


def _records(hooks: Receiver[object], app: str) -> Iterator[Check]:
    """Yield what the newest deliveries show; nothing where they cannot be read."""
    try:
        records = hooks.store.execute(ListRecords(_NEWEST, bodies=False)).records
        path = hooks.path if hooks.queue else app
    except (Unavailable, ConfigurationError):
        return  # Checks of the store and of the import path report it.
    names = {handler.name for handler in hooks.router.handlers}
    yield from check_records(records, path, names, hooks.identity.all_key_ids)


def _redis(store: RedisStore, hooks: Receiver[object], app: str) -> Iterator[Check]:
    servers = store.inspect_all()
    if not servers:
        message = "The store has an asyncio client, which cannot be asked here."
        yield skipped("redis", message, "Pass RedisStore a URL to have it checked.")
        return
    for facts in servers:
        yield from check_server(facts)
    answers = all(facts.failure is None for facts in servers)
    if answers:
        yield from _records(hooks, app)
    if answers and hooks.queue is not None:
        yield from _queues(hooks, app)


def _queues(hooks: Receiver[object], app: str) -> Iterator[Check]:
    from florentin_webhooks.redis.clients import RedisError  # noqa: PLC0415 - slow to import.
    from florentin_webhooks.rq.lanes.status import read_status  # noqa: PLC0415 - the same.

    for name in hooks.queue_names:
        try:
            yield from check_queue(read_status(hooks, name, longest=_LONGEST), app)
        except (RedisError, Unavailable) as error:
            kind = type(error).__name__
            message = f"The queue {name} cannot be read ({kind})."
            yield skipped("queue", message, "Run doctor with a user that may read rq:*.")
