"""A database with a delivery that waits for its handler, and a table for what handlers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import connections

from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import Latest
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_stores import in_threads, store_on
from tests.support.stores import A, accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore

__all__ = ["BODY", "KEY", "Shop"]

BODY = content()
KEY = fingerprint(BODY)
MARK = 77


class Shop:
    """A store in which ``first`` has the lease of one delivery, and a table for effects."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.store: DjangoStore = store_on(alias)
        self.store.execute(accept(BODY))

    def write(self) -> None:
        """Have an effect."""
        from florentin_webhooks.django.models import Guard

        Guard.objects.using(self.alias).create(key=uuid4(), watermark=MARK)

    def effects(self) -> int:
        """The number of effects that are there."""
        from florentin_webhooks.django.models import Guard

        return Guard.objects.using(self.alias).filter(watermark=MARK).count()

    def run(
        self,
        handler: Callable[[], object],
        *,
        state: State = State.DONE,
        also: tuple[Latest, ...] = (),
    ) -> TransactionResult:
        """Have an effect, and then run *handler*, in the transaction that finishes the delivery."""
        return self.store.execute(RunInTransaction(self.call(handler), finish(BODY, state), also))

    def call(self, handler: Callable[[], object]) -> Callable[[], BaseException | None]:
        """What the flow makes of a handler."""

        def call() -> BaseException | None:
            try:
                self.write()
                handler()
            except Exception as error:  # noqa: BLE001 - as the flow does.
                return error
            return None

        return call

    def state(self) -> State:
        """The state of the delivery."""
        record = self.store.execute(GetRecord(KEY))
        assert record is not None
        return record.state

    def elsewhere(self, operation: Operation[A]) -> A:
        """Ask in a thread of its own, as somebody else would."""
        return in_threads(1, lambda _: self.store.execute(operation))[0]

    def query(self, words: str) -> list[tuple[object, ...]]:
        """Ask the database, on the connection of this thread."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(words)
            return list(cursor.fetchall()) if cursor.description else []
