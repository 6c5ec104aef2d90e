"""The receiver of a command, with a store that other processes share and that answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.cli.errors import StoreUnavailable, UsageError
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.loader import load
from florentin_webhooks.core.health.probe import ask_store
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["QueueContext", "ReceiverContext", "load_shared", "open_queue", "open_receiver"]

PAUSE = 0.5
"""Seconds between two questions to a Redis that refuses commands."""

_QUEUE = (
    'Receiver(..., store=RedisStore(url), queue=RQQueue("florentin")), STORE and QUEUE in Django, '
    "FLORENTIN_REDIS_URL and FLORENTIN_QUEUE in the environment"
)


@dataclass(frozen=True, slots=True)
class ReceiverContext:
    """A receiver that other processes share, and its import path."""

    app: str
    hooks: Receiver[object]

    @property
    def store(self) -> Store:
        """The store of its deliveries."""
        return self.hooks.store

    def check_reachable(self, *, waits: bool = False) -> None:
        """Raise StoreUnavailable if the store does not answer.

        With *waits*, a Redis that refuses commands for a while, as it does while it loads its data
        after a start, is waited for.
        """
        warned = False
        while error := self._probe():
            unavailable = self.unavailable(error)
            if not waits or self._refusal(error) is None:
                raise unavailable from None
            if not warned:
                logger.warning("%s The worker waits. %s", unavailable.message, unavailable.hint)
            warned = True
            time.sleep(PAUSE)

    def _probe(self) -> Unavailable | None:
        try:
            ask_store(self.store)
        except Unavailable as error:
            return error
        return None

    def unavailable(self, error: Exception) -> StoreUnavailable:
        """Return the error to raise when the store does not answer.

        Of a foreign *error* only the type is shown: its text may quote a password.
        """
        from florentin_webhooks.redis.failures import describe_failure  # noqa: PLC0415
        from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - slow to import.

        cause = _cause(error)
        if isinstance(self.store, RedisStore) and cause is not None:
            return StoreUnavailable(*describe_failure(self.store.address, cause))
        if isinstance(error, Unavailable):
            return StoreUnavailable(error.message, error.hint)
        message = f"The store does not answer ({type(error).__name__})."
        return StoreUnavailable(message, "Start it, or correct the settings of the receiver.")

    @staticmethod
    def _refusal(error: Exception) -> str | None:
        """Return the code of a refusal that passes with time, or None."""
        from florentin_webhooks.redis.refusals import find_refusal  # noqa: PLC0415 - slow to import.

        cause = _cause(error)
        return find_refusal(cause) if isinstance(cause, Exception) else None

    def require_queue(self, command: str) -> None:
        """Raise UsageError if the receiver has no queue, so that it has no dead letters.

        *command* is the one of ``deliveries`` that does the same for failed deliveries.
        """
        if self.hooks.queue is None:
            use = suggest(f"deliveries {command}", "--state failed", app=self.app)
            message = f"{self.app} has no queue, so it has no dead letters."
            raise UsageError(message, f"Use: {use}")


def _cause(error: Exception) -> BaseException | None:
    return error.__context__ if isinstance(error, Unavailable) else error


@dataclass(frozen=True, slots=True)
class QueueContext(ReceiverContext):
    """A receiver with a queue, and therefore with a Redis."""

    redis: RedisStore


def load_shared(app: str) -> ReceiverContext:
    """Import the receiver *app*; raises UsageError if no other process can see its store."""
    hooks = load(app)
    if isinstance(hooks.store, MemoryStore):
        message = f"{app} uses MemoryStore, which other processes cannot read."
        hint = "Use Receiver(..., store=RedisStore(url)), or DjangoStore() in Django."
        raise UsageError(message, hint)
    return ReceiverContext(app, hooks)


def open_receiver(app: str, *, waits: bool = False) -> ReceiverContext:
    """Import the receiver *app* and check that its store answers, or wait for it."""
    context = load_shared(app)
    context.check_reachable(waits=waits)
    return context


def open_queue(app: str, *, waits: bool = False) -> QueueContext:
    """Import the receiver *app* and check that it has a queue in Redis, or wait for that."""
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - slow to import.

    hooks = open_receiver(app, waits=waits).hooks
    if hooks.queue is None:
        message = f"{app} has no queue: all handlers run before the sender gets its reply."
        raise UsageError(message, f"It needs no worker. For a queue, use {_QUEUE}.")
    if not isinstance(hooks.store, RedisStore):
        message = f"{app} uses {type(hooks.store).__name__}, but workers need Redis."
        raise UsageError(message, f"Use {_QUEUE}.")
    return QueueContext(app, hooks, hooks.store)
