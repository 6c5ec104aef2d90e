"""Django's stores for the conformance suites, and the contents of their tables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from django.db import connections
from django.db.models import F

from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.core.stores.guards import GuardStep, Latest, Once
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords, ResetMode, ResetRecord
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import migrated
from tests.support.stores import Span, Subject, accept, content, finish
from tests.support.waiting import assert_below, seconds_of

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore

A = TypeVar("A")
T = TypeVar("T")
APP = "florentin_webhooks"
BODY = content()
KEY = fingerprint(BODY)
STEPS: list[Operation[Any]] = [  # Any: of every answer.
    accept(BODY, token=b"second"),
    finish(BODY),
    Once(KEY, "mail", b"first", GuardStep.BEGIN, 60),
    Latest(b"entity", 1, b"first", GuardStep.BEGIN, 60),
    ResetRecord(KEY, ResetMode.ALL),
]
LOOKS: list[Operation[Any]] = [GetRecord(KEY), ListRecords()]
IN_TIME = 2.3
"""Two seconds, on a machine that is busy."""


@contextmanager
def emptied(alias: str, span: Span, *, in_asyncio: bool = False) -> Iterator[Subject]:
    """Yield an empty store in the database *alias*."""
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
    """Return an empty store in the database *alias*."""
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
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM florentin_webhooks_guard")
        cursor.execute("DELETE FROM florentin_webhooks_delivery")


def passed(alias: str, seconds: float) -> None:
    """Pass *seconds* by moving all stored times into the past."""
    from florentin_webhooks.django.models import Delivery, Guard

    past = int(seconds * 1000) + 1
    for rows in (Delivery.objects.using(alias), Guard.objects.using(alias)):
        rows.update(until=F("until") - past, expires=F("expires") - past)


def stored_body(alias: str, key: bytes) -> bytes | None:
    from florentin_webhooks.django.models import Delivery

    row = Delivery.objects.using(alias).filter(key=key.hex(), body__isnull=False).first()
    return bytes(row.body) if row and row.body is not None else None


def in_threads(number: int, work: Callable[[int], T]) -> list[T]:
    """Do *work* in threads at once, each with its own connections; return the results."""

    def done(each: int) -> T:
        try:
            return work(each)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(done, range(number)))


def refused(store: DjangoStore, step: Operation[Any]) -> str:
    """The message of the error with which *step* is unavailable, which comes in time."""
    return unavailable(store, step).message


def unavailable(store: DjangoStore, step: Operation[Any]) -> Unavailable:
    """The error of *step*, which comes in time and hides its cause."""
    errors = list[Unavailable]()

    def fail() -> None:
        with pytest.raises(Unavailable) as raised:
            store.execute(step)
        errors.append(raised.value)

    assert_below(IN_TIME, lambda: seconds_of(fail))
    assert errors[-1].__cause__ is None
    return errors[-1]
