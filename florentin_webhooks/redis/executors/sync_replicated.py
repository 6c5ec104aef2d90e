"""Execute script calls from synchronous programs, and wait for replicas in the same round trip."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from florentin_webhooks.redis.addresses import display_pool
from florentin_webhooks.redis.executors.replicas import (
    PATIENCE,
    TooFewReplicasError,
    give_back,
    may_pass,
    repeat,
    run_confirmed,
    too_few_replicas,
)
from florentin_webhooks.redis.executors.sync import SyncExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.redis.protocols import SyncClient
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["SyncReplicatedExecutor", "create_job_executor"]

_MOST_THREADS = 32


class SyncReplicatedExecutor(SyncExecutor):
    """Executor whose promises so many replicas have as their call wants.

    What handlers have done is recorded for *patience* seconds; without any, once, and then in a
    thread: a sender does not wait for as long as a worker may. With None, the caller goes on.
    """

    def __init__(self, client: SyncClient, *, patience: float | None = 0, **options: Any) -> None:
        super().__init__(client, **options)
        self._patience = patience
        self._threads = BoundedSemaphore(_MOST_THREADS)

    def send(self, call: ScriptCall) -> object:
        """Return the server's answer; raises RedisError, OSError or :class:`Unavailable`."""
        confirm = partial(self._confirm, call)
        try:
            return repeat(confirm, self._patience or 0 if call.is_record else 0)
        except (RedisError, OSError) as error:
            if call.is_record and self._patience == 0 and may_pass(error):
                self._record_later(confirm)
            if not isinstance(error, TooFewReplicasError):
                raise
            if isinstance(error.__cause__, RedisError):  # WAIT itself was refused.
                raise error.__cause__ from None
            address = display_pool(self._client.connection_pool)
            raise too_few_replicas(address, error.found, error.wanted) from None

    def _confirm(self, call: ScriptCall) -> object:
        try:
            return super().send(call)
        except TooFewReplicasError as error:
            give_back(self._send_once, call, error.answer)
            # Its replica may be the primary by now: a new connection looks for it.
            self._drop_connection()
            raise

    def _send_once(self, call: ScriptCall) -> object:
        if not call.replicas:
            return super()._send_once(call)
        answer = run_confirmed(self._client, call)
        self._known_scripts.add(call.script.sha)
        return answer

    def _record_later(self, confirm: Callable[[], object]) -> None:
        if self._threads.acquire(blocking=False):
            Thread(target=self._record, args=(confirm,), daemon=True).start()

    def _record(self, confirm: Callable[[], object]) -> None:
        with suppress(RedisError, OSError):  # Then another run repeats it, as after a crash.
            repeat(confirm, PATIENCE)
        self._threads.release()


def create_job_executor(client: SyncClient, replicas: int) -> SyncExecutor:
    """Return the executor of a job over *client*, a worker's."""
    # A job is short: checking the server's durability would be a third of its round trips.
    if replicas:
        return SyncReplicatedExecutor(client, patience=PATIENCE)
    return SyncExecutor(client)
