"""What the commands for operators work on: a receiver with its Redis, reached or told why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.cli.failures import Misuse, Unreachable
from florentin_webhooks.cli.loading import load
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.stores.looking import Find

if TYPE_CHECKING:
    from florentin_webhooks.receiver import Receiver
    from florentin_webhooks.stores.redis import RedisStore

__all__ = ["Shop", "open_shop"]

_NOBODY = bytes(16)


@dataclass(frozen=True, slots=True)
class Shop:
    """Hold a receiver that remembers in Redis, and its store."""

    hooks: Receiver
    store: RedisStore

    def reach(self) -> None:
        """Refuse where Redis does not answer; says in what state it is, if that is bad."""
        try:
            self.store.execute(Find(_NOBODY))
        except Unavailable as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: Exception) -> Unreachable:
        """Give what to say when Redis does not answer; an error's text may hold a password."""
        reason = str(error) if isinstance(error, Unavailable) else type(error).__name__
        message = f"no Redis answers at {self.store.address} ({reason.rpartition(': ')[2]})"
        return Unreachable(message, "start it, or correct the URL that the receiver is given")

    def refuse_queueless(self, app: str) -> None:
        """Refuse a receiver whose handlers all run inline."""
        if self.hooks.queue is None:
            message = f"{app} has no queue, so that all handlers run before the sender is answered"
            raise Misuse(message, 'Receiver(..., queue=RQQueue("florentin"))')


def open_shop(app: str) -> Shop:
    """Import the receiver that *app* names and see that its Redis answers."""
    from florentin_webhooks.stores.redis import RedisStore  # noqa: PLC0415 - after the module.

    hooks = load(app)
    if not isinstance(hooks.store, RedisStore):
        message = f"{app} remembers in {type(hooks.store).__name__}, which no other process can see"
        raise Misuse(message, "Receiver(..., store=RedisStore(url))")
    shop = Shop(hooks, hooks.store)
    shop.reach()
    return shop
