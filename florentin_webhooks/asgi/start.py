"""The start of a receiver, where a program has a lifespan: only then can it still be refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import CheckedStore
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["check_store", "start_receiver"]


async def check_store(receiver: Receiver[object]) -> None:
    """Raise :class:`ConfigurationError` if the store of *receiver* is in an unfit server."""
    if isinstance(receiver.store, CheckedStore):
        await asyncio.to_thread(receiver.store.check_server)


async def start_receiver(receiver: Receiver[object], receive: Receive, send: Send) -> bool:
    """Drain a spool, if there is one; return False after a start that was refused."""
    try:
        await check_store(receiver)
    except ConfigurationError as error:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return False
    receiver.drain_in_background(receiver.asyncio)
    return True
