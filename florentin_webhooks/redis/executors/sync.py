"""Carry out calls from a blocking program: one command, one round trip each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.redis.clients import unavailable
from florentin_webhooks.redis.durability import check_durability

if TYPE_CHECKING:
    from florentin_webhooks.redis.clients import BlockingClient
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["BlockingExecutor"]


class BlockingExecutor:
    """Send calls through *client*, from any thread and after any fork.

    With *look*, the first call has the server's settings looked at.
    """

    def __init__(self, client: BlockingClient, *, look: bool = True) -> None:
        self._client = client
        self._looked = not look

    def run(self, call: ScriptCall) -> object:
        """Give the answer; raises :class:`Unavailable` where there was none in time."""
        try:
            answer = self._send(call)
            self._look_once()
        except (RedisError, OSError) as error:
            raise unavailable(error) from None
        return call.read(answer)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, call: ScriptCall) -> object:
        try:
            return self._client.execute_command(*call.evalsha())
        except NoScriptError:
            return self._client.execute_command(*call.eval())

    def _look_once(self) -> None:
        if self._looked:
            return
        self._looked = True
        try:
            check_durability(self._client.info())
        except (RedisError, OSError):
            check_durability(None)
