"""Execute script calls from synchronous programs: one command, one round trip each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.redis.clients import to_unavailable
from florentin_webhooks.redis.durability import check_durability

if TYPE_CHECKING:
    from florentin_webhooks.redis.clients import SyncClient
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["SyncExecutor"]


class SyncExecutor:
    """Executor over *client*, for any thread and after any fork.

    With *check*, the first call also checks the server's durability.
    """

    def __init__(self, client: SyncClient, *, check: bool = True) -> None:
        self._client = client
        self._checked = not check

    def run(self, call: ScriptCall) -> object:
        """Return the decoded answer; raises :class:`Unavailable` without one in time."""
        try:
            answer = self._send(call)
            self._check_once()
        except (RedisError, OSError) as error:
            raise to_unavailable(error) from None
        return call.read(answer)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, call: ScriptCall) -> object:
        try:
            return self._client.execute_command(*call.evalsha())
        except NoScriptError:
            return self._client.execute_command(*call.eval())

    def _check_once(self) -> None:
        if self._checked:
            return
        self._checked = True
        try:
            check_durability(self._client.info())
        except (RedisError, OSError):
            check_durability(None)
