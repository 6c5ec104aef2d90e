"""A store that cannot be shared, asked or reached is reported."""

from __future__ import annotations

import asyncio

import redis.asyncio

from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.cli.doctor.check import State
from florentin_webhooks.cli.doctor.stores import check_store
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import Unavailable

SECRET = "a-secret-of-the-doctor"


class Broken:
    """A store of another kind, which does not answer."""

    def __init__(self) -> None:
        self._memory = MemoryStore()

    def __getattr__(self, name: str) -> object:
        return getattr(self._memory, name)

    def execute(self, operation: Operation[object]) -> object:
        del operation
        raise Unavailable("The table is missing.", "Run: manage.py migrate.")


def test_store_that_does_not_answer_fails_with_its_hint() -> None:
    hooks = Receiver(SECRET)
    hooks.store = Broken()  # type: ignore[assignment]  # the rest is that of its memory.
    (check,) = check_store(hooks, "shop:hooks")
    assert (check.name, check.state) == ("store", State.FAIL)
    assert check.hint == "Run: manage.py migrate."


def test_memory_is_a_warning() -> None:
    (check,) = check_store(Receiver(SECRET), "shop:hooks")
    assert (check.name, check.state) == ("store", State.WARN)


def test_asyncio_client_is_skipped() -> None:
    client = redis.asyncio.Redis(socket_timeout=1)
    (check,) = check_store(Receiver(SECRET, store=RedisStore(client)), "shop:hooks")
    assert (check.name, check.state) == ("redis", State.SKIPPED)
    asyncio.run(client.aclose())
