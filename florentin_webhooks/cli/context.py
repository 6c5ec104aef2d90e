"""What the commands for operators work on: a receiver with its store, reached or told why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.cli.errors import Misuse, Unreachable
from florentin_webhooks.cli.invocation import typed
from florentin_webhooks.cli.loader import load
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.core.stores.queries import Find
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["Queued", "Shop", "open_queued", "open_shop"]

_NOBODY = bytes(16)
_QUEUE = (
    'Receiver(..., store=RedisStore(url), queue=RQQueue("florentin")), or in Django STORE and '
    "QUEUE, in Flask FLORENTIN_REDIS_URL and FLORENTIN_QUEUE"
)


@dataclass(frozen=True, slots=True)
class Shop:
    """Hold a receiver that other processes can look into, and the path that it was found at."""

    app: str
    hooks: Receiver

    @property
    def store(self) -> Store:
        """What remembers its deliveries."""
        return self.hooks.store

    def reach(self) -> None:
        """Refuse where the store does not answer; says in what state it is, if that is bad."""
        try:
            self.store.execute(Find(_NOBODY))
        except Unavailable as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: Exception) -> Unreachable:
        """Give what to say when the store does not answer; an error may quote a password."""
        from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - after the module.

        reason = str(error) if isinstance(error, Unavailable) else type(error).__name__
        if not isinstance(self.store, RedisStore):
            # A database, whose errors say which one, and what it lacks.
            fact, _, remedy = reason.partition("; run: ")
            return Unreachable(fact, remedy or "start it, or correct where the settings say it is")
        message = f"no Redis answers at {self.store.address} ({reason.rpartition(': ')[2]})"
        return Unreachable(message, "start it, or correct the URL that the receiver is given")

    def refuse_deathless(self, verb: str) -> None:
        """Refuse a receiver without a queue: what fails there may come again, and never is dead."""
        if self.hooks.queue is None:
            message = f"{self.app} has no queue: what fails there stays failed, and is never dead"
            raise Misuse(message, typed(f"deliveries {verb}", "--state failed", app=self.app))


@dataclass(frozen=True, slots=True)
class Queued(Shop):
    """Hold a receiver with a queue, and therefore with a Redis."""

    redis: RedisStore


def open_shop(app: str) -> Shop:
    """Import the receiver that *app* names and see that its store answers."""
    hooks = load(app)
    if isinstance(hooks.store, MemoryStore):
        message = f"{app} remembers in MemoryStore, which no other process can see"
        raise Misuse(message, "Receiver(..., store=RedisStore(url)), or in Django DjangoStore()")
    shop = Shop(app, hooks)
    shop.reach()
    return shop


def open_queued(app: str) -> Queued:
    """Import the receiver that *app* names; refuses one whose handlers all run inline."""
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - after the module.

    hooks = open_shop(app).hooks
    if hooks.queue is None:
        message = f"{app} has no queue, so that all handlers run before the sender is answered"
        raise Misuse(message, f"no worker, or {_QUEUE}")
    if not isinstance(hooks.store, RedisStore):
        message = f"{app} remembers in {type(hooks.store).__name__}, and workers need Redis"
        raise Misuse(message, _QUEUE)
    return Queued(app, hooks, hooks.store)
