"""The executors of a store for asyncio programs: one for each event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.clients import create_asyncio_client
from florentin_webhooks.redis.executors.loop_local import LoopLocal
from florentin_webhooks.redis.executors.pipelined import PipelinedExecutor
from florentin_webhooks.redis.executors.replicated import ReplicatedExecutor

if TYPE_CHECKING:
    import asyncio

    from florentin_webhooks.redis.clients import Client
    from florentin_webhooks.redis.durability import ServerCheck

__all__ = ["LoopExecutors"]


class LoopExecutors:
    """Executors of calls of *server*, each with a connection of the event loop that opened it.

    The first connection of all is used only after *check* has judged the server.
    *latest* is the one that was asked for last: a look into the weak dictionary takes 1.5 us.
    """

    def __init__(self, server: str | Client, replicas: int, check: ServerCheck) -> None:
        self._server, self._replicas, self._check = server, replicas, check
        self._executors = LoopLocal[PipelinedExecutor]()
        self.latest: PipelinedExecutor | None = None

    def __len__(self) -> int:
        return len(self._executors)

    def find(self, loop: asyncio.AbstractEventLoop) -> PipelinedExecutor:
        """Return the executor of *loop*; raises :class:`ConfigurationError` if it has no client."""
        self.latest = executor = self._executors.find(loop, self._create)
        return executor

    async def aclose(self) -> None:
        """Close the connection of this event loop; the next call opens it again."""
        self.latest = None
        executor = self._executors.pop()
        if executor is not None:
            await executor.aclose()

    def _create(self) -> PipelinedExecutor:
        owned = isinstance(self._server, str)
        if len(self._executors) and not owned:
            raise ConfigurationError(
                "This RedisStore has an asyncio client, which belongs to one event loop.",
                "Pass RedisStore a URL, which serves any number of event loops.",
            )
        client = create_asyncio_client(self._server)
        if self._replicas:
            return ReplicatedExecutor(
                client, replicas=self._replicas, closes_with_loop=owned, check=self._check
            )
        return PipelinedExecutor(client, closes_with_loop=owned, check=self._check)
