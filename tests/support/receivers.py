"""Receivers to attack, with what they ran, asked of their store and wrote to the log."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks import Delivery, MemoryStore, Receiver, Reply
from florentin_webhooks.core.stores.base import Operation, Store
from florentin_webhooks.events import Event
from tests.support.vectors import SECRET, T0, Request

if TYPE_CHECKING:
    import pytest

A = TypeVar("A")


class Clock:
    """A wall clock and a monotonic one that a test moves."""

    def __init__(self, now: datetime = T0) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - T0).total_seconds()

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class SpiedStore:
    """A store that keeps the operations it was asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[object] = []
        self.retention, self.lease = store.retention, store.lease
        self.supports_jobs = store.supports_jobs
        self.supports_transactions = store.supports_transactions

    def execute(self, operation: Operation[A]) -> A:
        self.asked.append(operation)
        return self._store.execute(operation)

    async def aexecute(self, operation: Operation[A]) -> A:
        self.asked.append(operation)
        return await self._store.aexecute(operation)

    def close(self) -> None:
        self._store.close()

    async def aclose(self) -> None:
        await self._store.aclose()


class Target:
    """A receiver with one handler for every event, and the runs of that."""

    def __init__(
        self,
        *,
        now: datetime = T0,
        secret: str = SECRET,
        tolerance: timedelta = timedelta(minutes=15),
        retention: timedelta = timedelta(hours=24),
        store: Store | None = None,
        max_body: int = 1_048_576,
        handled: bool = True,
    ) -> None:
        self.clock = Clock(now)
        memory = MemoryStore(retention=retention, clock=self.clock.monotonic)
        self.store = SpiedStore(memory if store is None else store)
        self.receiver = Receiver(
            secret, store=self.store, clock=self.clock, tolerance=tolerance, max_body=max_body
        )
        self.ran: list[tuple[Event, Delivery]] = []
        if handled:
            self.receiver.on(Event)(self.remember)

    def remember(self, event: Event, delivery: Delivery) -> None:
        self.ran.append((event, delivery))

    def send(self, request: Request) -> Reply:
        screened = self.receiver.screen(request.method, request.headers)
        return screened or self.receiver.receive(request.headers, request.body)


def everything_in(log: pytest.LogCaptureFixture) -> str:
    """Return all that was logged: texts, attributes and tracebacks of every record."""
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(each)} {vars(each)}" for each in log.records)
