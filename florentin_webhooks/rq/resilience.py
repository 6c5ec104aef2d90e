"""Workers that wait while Redis is away or refuses commands, and never end with success then.

RQ ends its loop after any error of a command, and returns as if it had been stopped.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from florentin_webhooks.redis.addresses import display_url
from florentin_webhooks.redis.full_memory import ForcingClient
from florentin_webhooks.redis.refusals import find_refusal
from florentin_webhooks.redis.waiting_retry import WaitingRetry
from florentin_webhooks.rq.shutdown import GracefulShutdown

__all__ = ["WaitingWorker"]


class WaitingWorker(GracefulShutdown):
    """Mixin that waits while Redis is away, read-only, full or loading; raises what ends it."""

    _failure: Exception | None = None

    def work(self, *args: Any, **options: Any) -> bool:  # Any: RQ's arguments, also below.
        """Work as RQ does; raises the error that ended the loop, if one did."""
        self._wait_for_redis()
        worked = super().work(*args, **options)
        if self._failure is not None:
            raise self._failure
        return worked

    def main_work_horse(self, *args: Any, **options: Any) -> Any:
        """Run one job in a process of its own, which waits as the worker does."""
        gc.freeze()  # What it has forked from is not this process's to finalize: sockets.
        retry = self.connection.connection_pool.connection_kwargs.get("retry")
        if not isinstance(retry, WaitingRetry):  # Else it was forked from a worker that waits.
            self._wait_for_redis()
        cast("Any", super()).main_work_horse(*args, **options)

    def teardown(self) -> None:
        """Unregister; waits for nothing.

        What a server that refuses commands keeps of the worker expires by itself.
        """
        if (retry := self._waiting_retry()) is not None:
            retry.waits = False
        try:
            cast("Any", super()).teardown()
        except RedisError as error:
            if find_refusal(error) is None:
                raise
            self.unsubscribe()

    def handle_warm_shutdown_request(self) -> None:
        """Finish the current job as RQ does, unless Redis is away."""
        if (retry := self._waiting_retry()) is not None:
            retry.outlasts = False
        cast("Any", super()).handle_warm_shutdown_request()

    def check_for_suspension(self, *args: Any, **options: Any) -> None:
        """Wait while workers are suspended."""
        with self._remember_failure():
            cast("Any", super()).check_for_suspension(*args, **options)

    def dequeue_job_and_maintain_ttl(self, *args: Any, **options: Any) -> Any:
        """Wait for a job."""
        with self._remember_failure():
            result = super().dequeue_job_and_maintain_ttl(*args, **options)
        self._failure = None  # RQ has recovered from it.
        return result

    def execute_job(self, *args: Any, **options: Any) -> None:
        """Run a job."""
        with self._remember_failure():
            cast("Any", super()).execute_job(*args, **options)

    def heartbeat(self, *args: Any, **options: Any) -> None:
        """Extend the lifetime of the worker's registration."""
        with self._remember_failure():
            cast("Any", super()).heartbeat(*args, **options)

    def _wait_for_redis(self) -> None:
        client: Any = self.connection
        forces = isinstance(client, ForcingClient)
        retry = WaitingRetry(display_url(client), forces=forces)
        client.set_retry(retry)
        retry.keep_opening(client.connection_pool)

    def _waiting_retry(self) -> WaitingRetry | None:
        retry = self.connection.connection_pool.connection_kwargs.get("retry")
        return retry if isinstance(retry, WaitingRetry) else None

    @contextmanager
    def _remember_failure(self) -> Generator[None]:
        try:
            yield
        except StopRequested:
            self._failure = None
            raise
        except Exception as error:
            self._failure = error
            raise
