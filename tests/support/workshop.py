"""A receiver with a queue in its own module, and RQ workers in the process of the test."""

from __future__ import annotations

import gc
import json
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event as Signal
from types import ModuleType
from typing import Any, TypeVar, cast
from uuid import uuid4

import redis
import rq

from florentin_webhooks import Delivery, Receiver, RedisStore, Reply, RQQueue
from florentin_webhooks.core.stores.queries import GetRecord, Record
from florentin_webhooks.events import Event
from florentin_webhooks.rq.worker import WorkerKind, build_worker
from florentin_webhooks.senders.base import Sender
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support.receivers import Clock
from tests.support.vectors import CANONICAL, SECRET, Request, delivery

H = TypeVar("H", bound=Callable[..., object])


class Workshop:
    """A receiver that workers can import, and the runs of its handlers.

    Handlers can set *inside* and wait for *outside*.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        *,
        retries: tuple[int, ...] = (5, 30),
        timeout: int = 60,
        history: int = 1000,
        lease: timedelta = timedelta(seconds=60),
        error_text: bool = False,
        queue: str | None = None,
        secret: str = SECRET,
        sender: Sender = FLORENTIN,
    ) -> None:
        self.queue = queue or f"q{uuid4().hex[:8]}"
        self.prefix = prefix
        self.client = redis.Redis.from_url(url)
        self.store = RedisStore(url, prefix=prefix, history=history, lease=lease)
        self.clock = Clock()
        self.hooks: Receiver[Any] = Receiver(
            secret,
            store=self.store,
            queue=RQQueue(self.queue, retries=retries, timeout=timeout, error_text=error_text),
            clock=self.clock,
            sender=sender,
        )
        self.ran: list[str] = []
        self.inside, self.outside = Signal(), Signal()
        self.module = ModuleType(f"workshop_{uuid4().hex[:8]}")
        self.module.hooks = self.hooks  # type: ignore[attr-defined]  # a module is open.
        sys.modules[self.module.__name__] = self.module
        self._url = url

    def handles(
        self, name: str, what: Any = Event, **options: Any
    ) -> Callable[[H], H]:  # Any: as Router.on takes them.
        """Register the decorated function as if *name* were a function of the module."""

        def register(function: H) -> H:
            function.__module__, function.__qualname__ = self.module.__name__, name
            self.hooks.on(what, **options)(function)
            return function

        return register

    def does(self, name: str, *errors: BaseException | None, **options: Any) -> None:  # Any: as on.
        """Register a handler that notes its runs and raises *errors*, one in each run."""
        left = list(errors)

        @self.handles(name, **options)
        def handler(_event: Event, _delivery: Delivery) -> None:
            self.ran.append(name)
            if left and (error := left.pop(0)):
                raise error

    @property
    def key_ids(self) -> tuple[str, ...]:
        return self.hooks.identity.all_key_ids

    def named(self, name: str) -> str:
        return f"{self.module.__name__}:{name}"

    def send(self, request: Request | None = None) -> Reply:
        request = delivery() if request is None else request
        return self.hooks.receive(request.headers, request.body)

    def accept(self, request: Request | None = None) -> str:
        """Send a delivery that must be queued, and return its fingerprint."""
        reply = self.send(request)
        assert reply.outcome == "accepted", reply.body
        return told_in(reply)

    def job_id(self, fingerprint: str, queue: str | None = None) -> str:
        return f"{fingerprint}-{queue or self.queue}"

    def worker(self, client: redis.Redis, queue: str | None = None, **options: Any) -> Any:
        """Return a worker that runs jobs in this process; Any: rq leaves its types open."""
        queue = queue or self.queue
        return build_worker(self.hooks, client, queue=queue, kind=WorkerKind.SIMPLE, **options)

    def connect(self) -> redis.Redis:
        """Return a new client."""
        return redis.Redis.from_url(self._url)

    def work(
        self, queue: str | None = None, *, logging_level: str = "ERROR", **options: Any
    ) -> None:
        """Run every job that is due; *options* are those of the worker."""
        with handling_signals_as_before(), self.connect() as client:
            worker = self.worker(client, queue, **options)
            # No test sends it commands, and its thread for them takes a second to stop.
            worker.subscribe = worker.unsubscribe = lambda: None
            try:
                worker.work(burst=True, with_scheduler=True, logging_level=logging_level)
            finally:
                worker.scheduler.connection.connection_pool.disconnect()

    def work_in_forks(self) -> None:
        """Run every job that is due in forked processes."""
        with handling_signals_as_before(), self.connect() as client:
            build_worker(self.hooks, client, queue=self.queue).work(burst=True)

    def hurry(self, queue: str | None = None) -> int:
        """Make all scheduled retries due, and return their number."""
        key = self.rq(queue).scheduled_job_registry.key
        waiting = cast("list[bytes]", self.client.zrange(key, 0, -1))
        for job_id in waiting:
            self.client.zadd(key, {job_id: 1})
        return len(waiting)

    def work_it_off(self, queue: str | None = None, **options: Any) -> None:
        """Run jobs until none is left, not even a retry."""
        self.work(queue, **options)
        while self.hurry(queue):
            self.work(queue, **options)

    def rq(self, queue: str | None = None) -> Any:  # Any: rq leaves its types open.
        return cast("Any", rq.Queue)(queue or self.queue, connection=self.client, serializer="json")

    def listed(self, queue: str | None = None) -> list[str]:
        """Return the ids of the jobs that workers can take now."""
        return [*self.rq(queue).job_ids]

    def job(self, fingerprint: str, queue: str | None = None) -> dict[bytes, bytes]:
        return cast(
            "dict[bytes, bytes]",
            self.client.hgetall(f"rq:job:{self.job_id(fingerprint, queue)}"),
        )

    def record(self, fingerprint: str) -> Record:
        found = self.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        assert found is not None
        return found

    def life(self, fingerprint: str) -> float:
        """Return the seconds until the record expires; infinity if it does not."""
        left = self.client.pttl(f"{self.prefix}d".encode() + bytes.fromhex(fingerprint))
        return left / 1000 if left >= 0 else float("inf")

    def close(self) -> None:
        del sys.modules[self.module.__name__]
        self.store.close()
        self.client.close()


@contextmanager
def handling_signals_as_before() -> Iterator[None]:
    """Restore the handlers of the signals that end a worker."""
    handled = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in handled.items():
            signal.signal(each, handler)


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Restore handlers as above, and close what the exception of RQ's handler has cut off.

    It is raised in the middle of anything, also while redis-py opens a socket, which only the
    collector closes then. A worker ends after that; tests go on.
    """
    with warnings.catch_warnings(), handling_signals_as_before():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            yield
        finally:
            gc.collect()


@contextmanager
def open_workshop(url: str, prefix: str, **options: Any) -> Iterator[Workshop]:  # Any: as above.
    shop = Workshop(url, prefix, **options)
    try:
        yield shop
    finally:
        shop.close()


def told_in(reply: Reply) -> str:
    """Return the fingerprint in a reply."""
    return str(json.loads(reply.body)["data"]["delivery"])


def stamped(seconds: int) -> Request:
    """Return the canonical delivery, stamped *seconds* later by the sender."""
    earlier = b"2026-06-06T12:00:00"
    assert CANONICAL.count(earlier) == 1
    return delivery(CANONICAL.replace(earlier, b"2026-06-06T12:00:%02d" % seconds))
