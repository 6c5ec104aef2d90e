"""A retry of redis-py for workers, which wait while Redis is away or refuses their commands."""

from __future__ import annotations

import os
import time
from functools import partial
from multiprocessing import current_process, parent_process
from typing import TYPE_CHECKING, Any, Self, cast

from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from florentin_webhooks.core.log import logger
from florentin_webhooks.redis.refusals import (
    RECONNECTED_ERRORS,
    find_refusal,
    is_unreachable,
    refusal_hint,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

__all__ = ["WaitingRetry"]

_LONGEST_WAIT = 2.0
_SCHEDULER = "Scheduler"
"""RQ's name of that process."""
_LONG = 5.0
"""Seconds of a command after which there is a warning, though it is still being repeated."""
_REMINDER = 60.0
"""Seconds between two warnings of one wait."""
_LAST_WAIT = 20.0
"""Seconds that a restart of the server may take while a worker ends that has an effect to record.

Shorter than the 30 seconds after which Kubernetes kills it.
"""


class WaitingRetry(Retry):
    """Retry of a worker, which waits as long as the server refuses commands for a while.

    *address* is shown in warnings. With *forces*, the client has a way around a full memory, so
    it does not wait for that. A wait lasts at most *longest* seconds. Copies share :attr:`waits`,
    which ends all waits when False, and :attr:`outlasts`: whether it also waits for a server that
    is away, before anything is sent to it. Of the threads that wait at once, one warns.
    """

    def __init__(
        self,
        address: str,
        retries: int = 3,
        *,
        forces: bool = False,
        longest: float = float("inf"),
    ) -> None:
        backoff = ExponentialWithJitterBackoff(base=0.1, cap=2.0)
        super().__init__(backoff, retries, RECONNECTED_ERRORS)
        self.address = address
        self.waits = True
        self.outlasts = longest == float("inf")
        self._passed = "OOM" if forces else None
        self._longest = longest
        self.is_impatient = False
        """Whether it does not ask again where no answer came in time."""
        self._hurried_at: float | None = None
        self._last_wait_ends: float | None = None
        self._away_since: float | None = None
        self._quiet_until = float("-inf")

    def hurry(self) -> None:
        """Wait once more for a server that is away or silent, and not as long as it is."""
        self._hurried_at = time.monotonic()

    def end(self) -> None:
        """Wait for nothing from now on."""
        self.waits = self.outlasts = False

    def __deepcopy__(self, _: object) -> Self:
        # redis-py copies it for each connection.
        return self

    def call_with_retry(
        self,
        do: Callable[[], Any],  # Any: redis-py's, here and below.
        fail: Callable[..., Any],
        *arguments: Any,
        **options: Any,
    ) -> Any:
        """Call *do* as redis-py does, again and again while its command is refused."""
        since = time.monotonic()
        watched = self._watch(fail, since)
        attempt = partial(super().call_with_retry, do, watched, *arguments, **options)
        return self._wait_for(attempt, lambda error: _drop(fail, error, options), since)

    def _watch(self, fail: Callable[..., Any], since: float) -> Callable[..., None]:
        """Return *fail*, which warns of a server that hangs, and ends what must not be repeated."""

        def watched(error: Exception, *count: int) -> None:
            fail(error, *count)
            is_silent = isinstance(error, RedisTimeoutError)
            if not self.waits or (is_silent and not self._is_patient(since)):
                raise error
            if self.outlasts and time.monotonic() - since > _LONG:
                self._warn(None, since)

        return watched

    def _is_patient(self, since: float) -> bool:
        """Return whether a server is asked again that did not answer since *since*."""
        if self.is_impatient or self._hurried_at is None:
            return not self.is_impatient
        if self._last_wait_ends is None:  # One wait for all commands, of which each would fail.
            self._last_wait_ends = max(since, self._hurried_at) + _LAST_WAIT
        return time.monotonic() < self._last_wait_ends

    def keep_opening(self, pool: Any) -> None:
        """Wait in *pool* also where a new connection's handshake fails.

        redis-py retries it from version 7.2 on only.
        """
        open_one = pool.get_connection

        def get_connection(*arguments: Any, **options: Any) -> Any:
            attempt = partial(open_one, *arguments, **options)
            return self._wait_for(attempt, lambda _: None, time.monotonic())

        pool.get_connection = get_connection

    def _wait_for(
        self, attempt: Callable[[], Any], drop: Callable[[Exception], Any], since: float
    ) -> Any:
        """Return what *attempt* returns as soon as nothing refuses it; *since* is the start."""
        pause, waited = 0.1, False
        while True:
            try:
                answer = attempt()
            except RedisError as error:
                code = find_refusal(error)
                if not self._is_waited_for(error, code, since):
                    raise
                self._warn(code, since)
                drop(error)
                waited = True
            else:
                if waited or self._away_since == since:
                    self._report()
                return answer
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)

    def _is_waited_for(self, error: RedisError, code: str | None, since: float) -> bool:
        if code is None:
            is_passing = self.outlasts and is_unreachable(error) and self._is_patient(since)
        else:
            is_passing = code != self._passed
        is_long = time.monotonic() - since > self._longest
        return is_passing and self.waits and not is_long and not _is_abandoned()

    def _report(self) -> None:
        since, self._away_since = self._away_since, None
        if since is None:
            return
        now = time.monotonic()
        self._quiet_until = now + _LONGEST_WAIT  # Other threads may learn it later.
        text = "Redis at %s accepts commands again, after %.0f s."
        logger.warning(text, self.address, now - since)

    def _warn(self, code: str | None, since: float) -> None:
        """Warn, unless that was done, or is for the scheduler's worker to do."""
        if time.monotonic() < self._quiet_until or _is_scheduler():
            return
        self._quiet_until = time.monotonic() + _REMINDER
        self._away_since = self._away_since or since
        self._log(code)

    def _log(self, code: str | None) -> None:
        if code is None:
            logger.warning("Redis at %s is away, and the worker waits: start it.", self.address)
            return
        logger.warning(
            "Redis at %s refuses a command (%s), and the worker waits. %s",
            self.address,
            code,
            refusal_hint(code),
        )


def _is_abandoned() -> bool:
    """Return whether this is a scheduler whose worker was killed: nothing else would end it.

    A work-horse goes on: it has an effect to record.
    """
    return _is_scheduler() and cast("BaseProcess", parent_process()).pid != os.getppid()


def _is_scheduler() -> bool:
    return parent_process() is not None and current_process().name == _SCHEDULER


def _drop(fail: Callable[..., Any], error: Exception, options: dict[str, Any]) -> None:
    if options.get("with_failure_count"):  # redis-py 7.2 and newer.
        fail(error, 1)
    else:
        fail(error)
