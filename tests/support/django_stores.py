"""Django's stores as the conformance suites ask them, and what is seen in their tables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from django.db import connections
from django.db.models import F

from florentin_webhooks.core.stores.base import Operation
from tests.support.django_settings import migrated
from tests.support.stores import Span, Subject

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore

A = TypeVar("A")
T = TypeVar("T")
APP = "florentin_webhooks"


@contextmanager
def emptied(alias: str, span: Span, *, in_asyncio: bool = False) -> Iterator[Subject]:
    """A store in the database *alias*, in which nothing is remembered."""
    store = store_on(alias, span)

    def passes(seconds: float) -> None:
        passed(alias, seconds)

    def body(key: bytes) -> bytes | None:
        return stored_body(alias, key)

    if not in_asyncio:
        yield Subject(store.execute, passes, body)
        return

    def ask(operation: Operation[A], /) -> A:
        return runner.run(store.aexecute(operation))

    with asyncio.Runner() as runner:
        yield Subject(ask, passes, body)
        runner.run(store.aclose())


def store_on(alias: str, span: Span | None = None) -> DjangoStore:
    """A store in the database *alias*, in which nothing is remembered."""
    empty(migrated(alias, APP))
    from florentin_webhooks.django import DjangoStore

    span = span or Span()
    return DjangoStore(
        alias,
        lease=timedelta(seconds=span.lease),
        retention=timedelta(seconds=span.retention),
        history=span.history,
    )


def empty(alias: str) -> None:
    """Delete whatever is there."""
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM florentin_webhooks_guard")
        cursor.execute("DELETE FROM florentin_webhooks_delivery")


def passed(alias: str, seconds: float) -> None:
    """Let time pass for all that is remembered: it lies further back from here on."""
    from florentin_webhooks.django.models import Delivery, Guard

    past = int(seconds * 1000) + 1
    for rows in (Delivery.objects.using(alias), Guard.objects.using(alias)):
        rows.update(until=F("until") - past, expires=F("expires") - past)


def stored_body(alias: str, key: bytes) -> bytes | None:
    """Give what is stored under *key*."""
    from florentin_webhooks.django.models import Delivery

    row = Delivery.objects.using(alias).filter(key=key.hex(), body__isnull=False).first()
    return bytes(row.body) if row and row.body is not None else None


def in_threads(number: int, work: Callable[[int], T]) -> list[T]:
    """Do *work* in threads at once, each with connections of its own, and give what it gives."""

    def done(each: int) -> T:
        try:
            return work(each)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(done, range(number)))
