"""Start and end of a receiver, where a program has a lifespan: only then can it be refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import CheckedStore
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["Lifespan", "check_store"]


async def check_store(receiver: Receiver[object]) -> None:
    """Raise :class:`ConfigurationError` if the store of *receiver* is in an unfit server."""
    if isinstance(receiver.store, CheckedStore):
        await asyncio.to_thread(receiver.store.check_server)


class Lifespan:
    """What a mount does when its program starts and ends."""

    def __init__(self, receiver: Receiver[object]) -> None:
        self._receiver = receiver

    async def start(self, receive: Receive, send: Send) -> bool:
        """Drain a spool, if there is one; return False after a start that was refused."""
        try:
            await check_store(self._receiver)
        except ConfigurationError as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return False
        self._receiver.drain_in_background(self._receiver.asyncio)
        return True

    async def serve(self, receive: Receive, send: Send) -> None:
        """Serve the lifespan protocol: a spool is drained, and a store is closed."""
        if not await self.start(receive, send):
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.closing(send)({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})

    def closing(self, send: Send) -> Send:
        """Return a *send* that closes the receiver before the program reports its shutdown."""

        async def close_first(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self._receiver.aclose()
            await send(message)

        return close_first
