"""The process that moves scheduled jobs of all lanes back to their queues, once they are due.

RQ's worker starts such a process for itself; one of a fleet serves all of its lanes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import redis
from rq.scheduler import RQScheduler

from florentin_webhooks.rq.shutdown import defer_signals, end_process

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

__all__ = ["LaneSchedulers"]

_INTERVAL = 1.0
_ABSENCE = 3.0
"""Seconds for which a lane is left out whose node does not answer."""
_ACQUIRE = 15.0
"""Seconds between two attempts to take over from the scheduler of another process."""


class LaneSchedulers:
    """A process that schedules the jobs of the queue *name* on each of *clients*, one by lane."""

    def __init__(self, name: str, clients: Sequence[redis.Redis]) -> None:
        self._name, self._clients = name, tuple(clients)
        self._process: BaseProcess | None = None

    def run_once(self) -> None:
        """Move what is due, here."""
        for scheduler in self._build():
            scheduler.tick()
            scheduler.release()

    def keep_running(self) -> None:
        """Start the process, unless it runs."""
        if self._process is None or not self._process.is_alive():
            with defer_signals():
                self._process = get_context("fork").Process(target=self._run, name="Scheduler")
                self._process.start()

    def stop(self) -> None:
        """End the process, which releases its locks."""
        if self._process is not None:
            end_process(self._process)

    def _build(self) -> list[_LaneScheduler]:
        return [_LaneScheduler(self._name, client) for client in self._clients]

    def _run(self) -> None:
        stopping, parent = Event(), os.getppid()

        def stop(*_: object) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        schedulers = self._build()
        while not stopping.wait(_INTERVAL) and os.getppid() == parent:
            for scheduler in schedulers:
                scheduler.tick()
        for scheduler in schedulers:
            scheduler.release()


class _LaneScheduler:
    """RQ's scheduler of one lane."""

    def __init__(self, name: str, client: redis.Redis) -> None:
        self._name, self._client = name, client
        self._rq: Any = None  # Any: rq leaves its types open.
        self._asked_at = self._absent_until = float("-inf")

    def tick(self) -> None:
        """Move what is due, where no other process does it; an absent node is tried later."""
        if monotonic() < self._absent_until:
            return
        try:
            self._acquire()
            if self._rq.acquired_locks:
                self._rq.enqueue_scheduled_jobs()
                self._rq.heartbeat()
        except redis.RedisError:
            self._absent_until = monotonic() + _ABSENCE

    def release(self) -> None:
        """Return the lane to other processes at once."""
        if self._rq is None:
            return
        with suppress(redis.RedisError):
            if self._rq.acquired_locks:
                self._rq.release_locks()
                self._rq.register_death()
        self._rq.connection.connection_pool.disconnect()

    def _acquire(self) -> None:
        if self._rq is None:
            untyped: Any = RQScheduler
            self._rq = untyped([self._name], connection=self._client, serializer="json")
        if not self._rq.acquired_locks and monotonic() - self._asked_at > _ACQUIRE:
            self._asked_at = monotonic()
            if self._rq.acquire_locks():
                self._rq.register_birth()
