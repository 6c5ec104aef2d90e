"""A handler in the transaction that records its end: both happen, or neither."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn
from uuid import uuid4

import pytest
from django.db import connections
from django.db.transaction import atomic, on_commit, set_rollback
from django.db.utils import DatabaseError, Error, IntegrityError

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest, Once
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import in_threads, passed, store_on
from tests.support.stores import A, accept, content, finish
from tests.support.waiting import assert_below, seconds_of

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


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
        """Ask in a thread of its own, as another process would."""
        return in_threads(1, lambda _: self.store.execute(operation))[0]

    def query(self, words: str) -> list[tuple[object, ...]]:
        """Ask the database, on the connection of this thread."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(words)
            return list(cursor.fetchall()) if cursor.description else []


ROLLED_BACK = TransactionResult(None, State.LOST)
only_on = {
    name: pytest.mark.parametrize("shop", [name], indirect=True) for name in (POSTGRESQL, SQLITE)
}


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Such a shop on each kind of database in turn."""
    yield Shop(request.param)
    connections.close_all()


def nothing() -> None:
    """Do no more than that."""


def test_effect_and_record_are_committed_together(shop: Shop) -> None:
    assert shop.run(nothing) == TransactionResult(None, State.DONE)
    assert (shop.effects(), shop.state()) == (1, State.DONE)


def test_failed_handler_has_no_effect_and_keeps_its_lease(shop: Shop) -> None:
    def fails() -> NoReturn:
        raise KeyError

    effected = shop.run(fails)
    assert isinstance(effected.error, KeyError)
    assert effected.state is State.LOST
    assert (shop.effects(), shop.state()) == (0, State.RUNNING)
    assert shop.store.execute(finish(BODY, State.FAILED)) is State.FAILED


def test_handler_before_the_last_extends_the_lease(shop: Shop) -> None:
    passed(shop.alias, 3000)
    assert shop.run(nothing, state=State.RUNNING) == TransactionResult(None, State.RUNNING)
    claim = shop.store.execute(accept(BODY, token=b"other"))
    assert claim.decision is AcceptDecision.IN_PROGRESS
    assert claim.wait > 3500


def test_handler_without_lease_is_not_called(shop: Shop) -> None:
    passed(shop.alias, 3601)
    shop.store.execute(accept(BODY, token=b"second"))
    assert shop.run(lambda: pytest.fail("it was called")) == ROLLED_BACK
    assert shop.store.execute(finish(BODY, token=b"second")) is State.DONE


@only_on[POSTGRESQL]
@pytest.mark.parametrize("finished", [False, True])
def test_handler_that_lost_its_lease_has_no_effect(shop: Shop, finished: bool) -> None:
    def somebody_takes_over() -> None:
        in_threads(1, lambda _: passed(shop.alias, 3601))
        assert shop.elsewhere(accept(BODY, token=b"second")).decision is AcceptDecision.RUN
        if finished:
            assert shop.elsewhere(finish(BODY, token=b"second")) is State.DONE

    assert shop.run(somebody_takes_over) == ROLLED_BACK
    assert shop.effects() == 0
    assert shop.store.execute(finish(BODY, token=b"second")) is State.DONE


@only_on[POSTGRESQL]
def test_retry_during_a_handler_is_in_progress_at_once(
    shop: Shop,
) -> None:
    def somebody_comes() -> None:
        shop.store.execute(Once(KEY, "mail", b"first", GuardStep.BEGIN, 60))
        assert_below(0.9, lambda: seconds_of(retry))

    def retry() -> None:
        again = shop.elsewhere(accept(content(stamped="12:00:30"), token=b"second"))
        assert again.decision is AcceptDecision.IN_PROGRESS

    assert shop.run(somebody_comes).error is None


@only_on[SQLITE]
def test_writer_during_a_handler_is_unavailable_in_time(
    shop: Shop,
) -> None:
    def somebody_comes() -> None:
        assert_below(2.5, lambda: seconds_of(write))

    def write() -> None:
        with pytest.raises(Unavailable):
            shop.elsewhere(accept(BODY, token=b"second"))

    assert shop.run(somebody_comes).error is None


def test_refused_commit_is_a_failure_of_the_handler(shop: Shop) -> None:
    def refers_to_nothing() -> None:
        from florentin_webhooks.django.models import Guard

        Guard.objects.using(shop.alias).create(key=uuid4(), delivery_id=uuid4())

    effected = shop.run(refers_to_nothing)
    assert isinstance(effected.error, IntegrityError)
    assert (effected.state, shop.effects(), shop.state()) == (State.LOST, 0, State.RUNNING)


def test_rollback_mark_is_a_failure_of_the_handler(
    shop: Shop,
) -> None:
    effected = shop.run(lambda: set_rollback(True, shop.alias))
    assert isinstance(effected.error, DatabaseError)
    assert (effected.state, shop.effects(), shop.state()) == (State.LOST, 0, State.RUNNING)


@only_on[POSTGRESQL]
def test_ignored_statement_error_is_a_failure_of_the_handler(shop: Shop) -> None:
    def passes_over() -> None:
        with pytest.raises(DatabaseError):
            shop.query("SELECT 1 / 0")

    effected = shop.run(passes_over)
    assert isinstance(effected.error, DatabaseError)
    assert (effected.state, shop.effects(), shop.state()) == (State.LOST, 0, State.RUNNING)


def test_handler_that_closes_the_connection_has_no_effect(shop: Shop) -> None:
    effected = shop.run(connections[shop.alias].close)
    assert effected.error is not None
    assert (shop.effects(), shop.state()) == (0, State.RUNNING)
    assert shop.run(nothing) == TransactionResult(None, State.DONE)


@only_on[POSTGRESQL]
def test_connection_lost_during_a_handler_is_unavailable(shop: Shop) -> None:
    def cut() -> None:
        ((pid,),) = shop.query("SELECT pg_backend_pid()")
        in_threads(1, lambda _: shop.query(f"SELECT pg_terminate_backend({pid}, 5000)"))

    with pytest.raises(Unavailable):
        shop.run(cut)
    assert (shop.effects(), shop.state()) == (0, State.RUNNING)


def test_guard_is_rolled_back_with_the_handler(shop: Shop) -> None:
    def once(step: GuardStep) -> GuardDecision:
        return shop.store.execute(Once(KEY, "mail", b"first", step, 60)).decision

    def fails_after_once() -> NoReturn:
        assert [once(GuardStep.BEGIN), once(GuardStep.DONE), once(GuardStep.BEGIN)][
            -1
        ] is GuardDecision.DONE
        raise KeyError

    shop.run(fails_after_once)
    assert once(GuardStep.BEGIN) is GuardDecision.RUN


def test_high_water_mark_is_committed_with_the_effect(shop: Shop) -> None:
    def latest(step: GuardStep, timestamp: int) -> Latest:
        return Latest(b"entity", timestamp, b"first", step, 60)

    shop.store.execute(latest(GuardStep.BEGIN, 20))
    assert shop.run(nothing, also=(latest(GuardStep.DONE, 20),)).state is State.DONE
    assert shop.store.execute(latest(GuardStep.BEGIN, 19)).decision is GuardDecision.SUPERSEDED


def test_on_commit_callback_sees_the_done_record(shop: Shop) -> None:
    seen: list[State] = []
    shop.run(lambda: on_commit(lambda: seen.append(shop.state()), shop.alias))
    assert seen == [State.DONE]


def test_failed_on_commit_callback_is_logged_and_changes_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> NoReturn:
        raise Error

    assert shop.run(lambda: on_commit(fails, shop.alias)) == TransactionResult(None, State.DONE)
    assert "its data is committed" in caplog.text
    assert shop.effects() == 1


def test_handler_runs_with_the_lock_timeout_of_the_program(shop: Shop) -> None:
    words = "SHOW lock_timeout" if shop.alias == POSTGRESQL else "PRAGMA busy_timeout"
    usual, seen = shop.query(words), []
    shop.run(lambda: seen.extend(shop.query(words)))
    assert seen == usual == shop.query(words)


@only_on[POSTGRESQL]
def test_once_restores_the_lock_timeout_of_the_transaction(shop: Shop) -> None:
    seen: list[object] = []

    def asks() -> None:
        shop.query("SET LOCAL lock_timeout = '7s'")
        shop.store.execute(Once(KEY, "mail", b"first", GuardStep.BEGIN, 60))
        seen.extend(shop.query("SHOW lock_timeout"))

    shop.run(asks)
    assert seen == [("7s",)]


def test_handler_inside_a_transaction_is_refused_before_it_runs(shop: Shop) -> None:
    with atomic(shop.alias), pytest.raises(ConfigurationError, match="non_atomic_requests"):
        shop.run(lambda: pytest.fail("it was called"))
    assert shop.state() is State.RUNNING


def test_store_call_inside_a_handler_is_refused(shop: Shop) -> None:
    effected = shop.run(lambda: shop.store.execute(accept(content(2), under="id-2")))
    assert isinstance(effected.error, ConfigurationError)
    assert shop.effects() == 0


def test_asyncio_program_runs_handlers_in_transactions(shop: Shop) -> None:
    async def flow() -> TransactionResult:
        effect = RunInTransaction(shop.call(nothing), finish(BODY))
        effected = await shop.store.aexecute(effect)
        await shop.store.aclose()
        return effected

    assert asyncio.run(flow()) == TransactionResult(None, State.DONE)
    assert shop.effects() == 1
