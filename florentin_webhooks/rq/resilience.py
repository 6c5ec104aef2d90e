"""Workers that wait while Redis is away or refuses commands, and never end with success then.

RQ ends its loop after any error of a command, and returns as if it had been stopped.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from time import sleep
from typing import Any, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq.exceptions import StopRequested

from florentin_webhooks.core.log import logger
from florentin_webhooks.redis.addresses import display_url
from florentin_webhooks.redis.full_memory import ForcingClient
from florentin_webhooks.redis.refusals import find_refusal
from florentin_webhooks.redis.waiting_retry import WaitingRetry
from florentin_webhooks.rq.shutdown import GracefulShutdown, brief_client, defer_signals

__all__ = ["WaitingWorker"]

_LONGEST_POLL = 5
"""Seconds for which Redis is asked to wait for a job."""
_MARGIN = 5
"""Seconds more until it has not answered: a proxy that has lost its server may be silent."""
_LISTEN_AGAIN = 2.0


class WaitingWorker(GracefulShutdown):
    """Mixin that waits while Redis is away, read-only, full or loading; raises what ends it."""

    retry: WaitingRetry | None = None
    """What waits for Redis; none before it works."""
    _failure: Exception | None = None

    @property
    def dequeue_timeout(self) -> int:
        """Seconds of one wait for a job; RQ waits half a minute, and so for each answer."""
        return min(_LONGEST_POLL, super().dequeue_timeout)

    @property
    def connection_timeout(self) -> int:
        """Seconds for each answer of Redis."""
        return self.dequeue_timeout + _MARGIN

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

        What a server that is away or refuses commands keeps of the worker expires by itself.
        """
        if self.retry is not None:
            self.retry.end()
        with self._briefly():
            try:
                self.connection.exists(
                    cast("Any", self).key
                )  # One wait at most where it does not answer.
                cast("Any", super()).teardown()
            except RedisError as error:
                if not _may_pass(error):
                    raise
                self.end_scheduler()
                self.unsubscribe()

    def handle_warm_shutdown_request(self) -> None:
        """Finish the current job as RQ does, unless Redis is away."""
        if self.retry is not None:
            self.retry.hurry()
        cast("Any", super()).handle_warm_shutdown_request()

    def request_force_stop(self, *args: Any, **options: Any) -> None:
        """End at once as RQ does, also while Redis is away."""
        try:
            cast("Any", super()).request_force_stop(*args, **options)
        except SystemExit:
            if self.retry is not None:
                self.retry.end()
            self.connection = brief_client(self.connection)
            raise

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

    @contextmanager
    def deferring_signals(self) -> Generator[None]:
        """Defer signals as :func:`defer_signals` does; one ends the block's waits for Redis."""
        retry = self.retry

        def stop_waiting() -> None:
            if retry is not None:
                retry.waits = False

        try:
            with defer_signals(stop_waiting):
                yield
        finally:
            # What runs by now is recorded, as after any signal. A later one changes nothing here.
            if retry is not None:
                retry.waits = True

    def _pubsub_exception_handler(self, exc: Exception, pubsub: Any, pubsub_thread: Any) -> None:
        """Listen again after a lost connection, as RQ does, also where it went silent.

        What else the worker asks of Redis is answered no better, and it warns then.
        """
        if not _may_pass(exc) and self.listens:
            listen: Any = super()
            listen._pubsub_exception_handler(exc, pubsub, pubsub_thread)  # noqa: SLF001 - RQ's.
        sleep(_LISTEN_AGAIN)

    def _wait_for_redis(self) -> None:
        client: Any = self.connection
        forces = isinstance(client, ForcingClient)
        self.retry = WaitingRetry(display_url(client), forces=forces)
        client.set_retry(self.retry)
        self.retry.keep_opening(client.connection_pool)

    @contextmanager
    def _remember_failure(self) -> Generator[None]:
        try:
            yield
        except StopRequested:
            self._failure = None
            raise
        except Exception as error:
            if self._stop_requested and _may_pass(error):
                self._failure = None
                logger.warning(
                    "Redis at %s does not answer (%s), and the worker ends. What it could not "
                    "record, another worker repeats.",
                    display_url(self.connection),
                    find_refusal(error) or type(error).__name__,
                )
                raise StopRequested from None
            self._failure = error
            raise


def _may_pass(error: Exception) -> bool:
    """Return whether Redis is away, or refuses commands for a while."""
    is_away = isinstance(error, RedisConnectionError | RedisTimeoutError)
    return is_away or find_refusal(error) is not None
