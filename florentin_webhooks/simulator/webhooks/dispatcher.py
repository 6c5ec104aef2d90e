"""Threads that send what is due, and the schedule of the sender."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.simulator.webhooks.entries import Attempt, AttemptKind, Result
from florentin_webhooks.simulator.webhooks.faults import Fault, Faults
from florentin_webhooks.simulator.webhooks.outbox import Outbox
from florentin_webhooks.simulator.webhooks.schedule import is_success, retries_of
from florentin_webhooks.simulator.webhooks.signer import Signer
from florentin_webhooks.testing.transport import post

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.simulator.database import Database
    from florentin_webhooks.simulator.webhooks.outbox import Task
    from florentin_webhooks.testing.delivery import SignedDelivery

__all__ = ["Dispatcher"]

_THREADS = 32
_LONGEST_WAIT = 0.5


class Dispatcher:
    """Sends the deliveries in *database* until it is closed.

    *speed* divides the waits between attempts. A request that is not answered within *timeout*
    seconds has failed.
    """

    def __init__(
        self,
        database: Database,
        sender: Sender,
        clock: Callable[[], datetime],
        *,
        speed: float = 1.0,
        timeout: float = 10.0,
    ) -> None:
        self.faults = Faults()
        self.waits = tuple(delay / speed for delay in retries_of(sender).delays)
        self._database = database
        self._sender = sender
        self._clock = clock
        self._timeout = timeout
        self._signers: dict[tuple[str, str], Signer] = {}
        self._wake, self._stopping = Event(), Event()
        self._threads = ThreadPoolExecutor(_THREADS, "florentin-simulator")
        self._copies = ThreadPoolExecutor(_THREADS, "florentin-copies")
        self._loop = Thread(target=self._run, name="florentin-dispatcher", daemon=True)
        self._busy, self._lock = 0, Lock()

    def start(self) -> None:
        """Start to send, first what was under way when the program ended."""
        with self._database.transaction() as connection:
            Outbox(connection).recover(self._now())
        self._loop.start()

    def wake(self) -> None:
        """Look at once for what is due."""
        self._wake.set()

    def close(self) -> None:
        """Stop; requests that are under way are finished first."""
        self._stopping.set()
        self.wake()
        if self._loop.is_alive():
            self._loop.join()
        self._threads.shutdown()
        self._copies.shutdown()

    def signer(self, url: str, secret: str) -> Signer:
        """Return the signer of an endpoint; raises :class:`ConfigurationError`."""
        if (url, secret) not in self._signers:
            self._signers[url, secret] = Signer(self._sender, url, secret, self._clock)
        return self._signers[url, secret]

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wait = self.send_due()
            except Unavailable:  # The disk may have room again in a moment.
                wait = _LONGEST_WAIT
            self._wake.wait(wait)
            self._wake.clear()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._busy == 0

    def send_due(self) -> float:
        """Start the attempts that are due, and return the seconds until the next one."""
        with self._database.transaction() as connection:
            outbox, now = Outbox(connection), self._now()
            tasks = outbox.claim(now, max(_THREADS - self._busy, 0))
            endpoints = {each.id: each for each in outbox.endpoints()} if tasks else {}
            due = outbox.next_due()
        for task in tasks:
            _, url, secret = endpoints[task.endpoint]
            self._submit(self._threads, partial(self._attempt, task, self.signer(url, secret), url))
        if due is None or self._busy >= _THREADS:
            return _LONGEST_WAIT
        return min(max(due - now, 0.001), _LONGEST_WAIT)

    def _submit(self, threads: ThreadPoolExecutor, work: Callable[[], None]) -> None:
        with self._lock:
            self._busy += 1
        threads.submit(self._work, work)

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Unavailable as error:
            logger.warning("An attempt was not logged. It is repeated at the next start. %s", error)
        finally:
            with self._lock:
                self._busy -= 1
            self.wake()

    def _attempt(self, task: Task, signer: Signer, url: str) -> None:
        fault = Fault(task.fault) if task.fault else self.faults.choose(task.sequence, task.number)
        if fault is Fault.DUPLICATE:
            made = signer.sign(task)
            self._submit(self._copies, partial(self._copy, task, made, url, fault))
        attempt = self._send(task, signer.sign(task, fault), url, fault, task.kind)
        if fault is Fault.RESTAMP:
            self._copy(task, signer.restamp(task), url, fault)
        self._close(task, attempt)

    def _copy(self, task: Task, made: SignedDelivery, url: str, fault: Fault) -> None:
        attempt = self._send(task, made, url, fault, AttemptKind.COPY)
        with self._database.transaction() as connection:
            Outbox(connection).record(task, attempt)

    def _send(
        self, task: Task, made: SignedDelivery, url: str, fault: Fault | None, kind: AttemptKind
    ) -> Attempt:
        began_at, started = self._clock(), time.monotonic()
        result = self._post(url, made)
        if fault is Fault.DROP_ANSWER and result.status:
            result = Result(None, "", "answer dropped")
        seconds = time.monotonic() - started
        return Attempt(task.number, kind, fault or "", began_at, seconds, result)

    def _post(self, url: str, made: SignedDelivery) -> Result:
        try:
            response = post(url, made.headers, made.body, timeout=self._timeout)
        except OSError as error:
            return Result(None, "", error.strerror or str(error) or type(error).__name__)
        except ConfigurationError as error:
            return Result(None, "", error.message)
        return Result(response.status, response.outcome[:60])

    def _close(self, task: Task, attempt: Attempt) -> None:
        """Add the attempt to the log, with what follows from it."""
        is_last = task.kind is AttemptKind.REPLAY or task.number > len(self.waits)
        due = None if is_last else self._now() + self.waits[task.number - 1]
        ok = is_success(self._sender, attempt.result.status)
        with self._database.transaction() as connection:
            outbox = Outbox(connection)
            outbox.record(task, attempt)
            outbox.close(task, ok=ok, due_at=None if ok else due)

    def _now(self) -> float:
        return self._clock().timestamp()
