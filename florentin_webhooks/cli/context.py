"""What the commands for operators work on: a receiver with its store, reached or told why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.cli.errors import StoreUnavailable, UsageError
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.loader import load
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["QueueContext", "ReceiverContext", "open_queue", "open_receiver"]

_NOBODY = bytes(16)
_QUEUE = (
    'Receiver(..., store=RedisStore(url), queue=RQQueue("florentin")), or in Django STORE and '
    "QUEUE, in Flask FLORENTIN_REDIS_URL and FLORENTIN_QUEUE"
)


@dataclass(frozen=True, slots=True)
class ReceiverContext:
    """Hold a receiver that other processes can look into, and the path that it was found at."""

    app: str
    hooks: Receiver

    @property
    def store(self) -> Store:
        """What remembers its deliveries."""
        return self.hooks.store

    def check_reachable(self) -> None:
        """Refuse where the store does not answer; says in what state it is, if that is bad."""
        try:
            self.store.execute(GetRecord(_NOBODY))
        except Unavailable as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: Exception) -> StoreUnavailable:
        """Give what to say when the store does not answer; an error may quote a password."""
        from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - after the module.

        reason = str(error) if isinstance(error, Unavailable) else type(error).__name__
        if not isinstance(self.store, RedisStore):
            # A database, whose errors say which one, and what it lacks.
            fact, _, remedy = reason.partition("; run: ")
            return StoreUnavailable(
                fact, remedy or "start it, or correct where the settings say it is"
            )
        message = f"no Redis answers at {self.store.address} ({reason.rpartition(': ')[2]})"
        return StoreUnavailable(message, "start it, or correct the URL that the receiver is given")

    def require_queue(self, verb: str) -> None:
        """Refuse a receiver without a queue: what fails there may come again, and never is dead."""
        if self.hooks.queue is None:
            message = f"{self.app} has no queue: what fails there stays failed, and is never dead"
            raise UsageError(message, suggest(f"deliveries {verb}", "--state failed", app=self.app))


@dataclass(frozen=True, slots=True)
class QueueContext(ReceiverContext):
    """Hold a receiver with a queue, and therefore with a Redis."""

    redis: RedisStore


def open_receiver(app: str) -> ReceiverContext:
    """Import the receiver that *app* names and see that its store answers."""
    hooks = load(app)
    if isinstance(hooks.store, MemoryStore):
        message = f"{app} remembers in MemoryStore, which no other process can see"
        raise UsageError(
            message, "Receiver(..., store=RedisStore(url)), or in Django DjangoStore()"
        )
    shop = ReceiverContext(app, hooks)
    shop.check_reachable()
    return shop


def open_queue(app: str) -> QueueContext:
    """Import the receiver that *app* names; refuses one whose handlers all run inline."""
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - after the module.

    hooks = open_receiver(app).hooks
    if hooks.queue is None:
        message = f"{app} has no queue, so that all handlers run before the sender is answered"
        raise UsageError(message, f"no worker, or {_QUEUE}")
    if not isinstance(hooks.store, RedisStore):
        message = f"{app} remembers in {type(hooks.store).__name__}, and workers need Redis"
        raise UsageError(message, _QUEUE)
    return QueueContext(app, hooks, hooks.store)
