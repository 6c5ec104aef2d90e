"""Execute script calls from synchronous programs, and wait for replicas in the same round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import NoScriptError

from florentin_webhooks.redis.addresses import display_pool
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.redis.executors.replicas import is_promise, too_few_replicas, wait_words
from florentin_webhooks.redis.executors.sync import SyncExecutor

if TYPE_CHECKING:
    from florentin_webhooks.redis.protocols import Word
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["SyncReplicatedExecutor"]


class SyncReplicatedExecutor(SyncExecutor):
    """Executor whose promises so many replicas have as their call wants."""

    def _send_once(self, call: ScriptCall) -> object:
        if not call.replicas:
            return super()._send_once(call)
        answer, found = self._send_with_wait(call.evalsha(), call.replicas)
        if isinstance(answer, NoScriptError):
            self._known_scripts.clear()
            answer, found = self._send_with_wait(call.eval(), call.replicas)
        if isinstance(answer, Exception):
            raise answer
        self._known_scripts.add(call.script.sha)
        if is_promise(call.read(answer)):
            self._require_replicas(found, call.replicas)
        return answer

    def _send_with_wait(self, words: tuple[Word, ...], replicas: int) -> tuple[Any, Any]:
        pool = self._client.connection_pool
        timeout = cast("float | None", pool.connection_kwargs.get("socket_timeout"))
        # Not in a transaction, in which WAIT would wait for nothing.
        with cast("Any", self._client).pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*words)
            pipeline.execute_command(*wait_words(replicas, timeout or TIMEOUTS.socket))
            answer, found = pipeline.execute(raise_on_error=False)
        return answer, found

    def _require_replicas(self, found: Any, wanted: int) -> None:
        if isinstance(found, int) and found >= wanted:
            return
        # Its replica may be the primary by now: a new connection looks for it.
        self._drop_connection()
        if isinstance(found, Exception):
            raise found
        raise too_few_replicas(display_pool(self._client.connection_pool), found, wanted)
