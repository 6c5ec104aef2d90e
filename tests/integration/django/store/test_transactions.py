"""Transactions of the store, and of the program around it."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any

import pytest
from django.db.transaction import atomic, set_rollback
from django.test import TestCase

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest, Once
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import store_on
from tests.support.stores import accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


BODY = content()


KEY = fingerprint(BODY)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param)


def test_transaction_around_the_store_is_refused(store: DjangoStore) -> None:
    using = store.using
    latest = Latest(b"entity", 1, b"t", GuardStep.BEGIN, 60)
    steps: list[Operation[Any]] = [accept(BODY), finish(BODY), latest]  # Any: of every answer.
    for operation in steps:
        with atomic(using), pytest.raises(ConfigurationError, match="non_atomic_requests"):
            store.execute(operation)
    with atomic(using):
        assert store.execute(GetRecord(KEY)) is None
        assert store.execute(ListRecords()).records == ()


def test_once_joins_the_transaction_around_it(store: DjangoStore) -> None:
    store.execute(accept(BODY))

    def once(step: GuardStep) -> GuardDecision:
        return store.execute(Once(KEY, "mail", b"first", step, 60)).decision

    with atomic(store.using):
        once(GuardStep.BEGIN)
        once(GuardStep.DONE)
        set_rollback(True, store.using)
    assert once(GuardStep.BEGIN) is GuardDecision.RUN


@pytest.mark.parametrize("alias", [SQLITE, POSTGRESQL])
def test_test_case_of_django_rolls_deliveries_back(alias: str) -> None:
    store = store_on(alias)
    seen: list[object] = []

    class Case(TestCase):
        databases = {alias}  # noqa: RUF012 - as Django has it.

        def test(self) -> None:
            seen.append(store.execute(accept(BODY)).decision)
            seen.append(
                store.execute(RunInTransaction(lambda: None, finish(BODY, State.FAILED))).state
            )
            failed = RunInTransaction(KeyError, finish(BODY))
            store.execute(accept(BODY))
            seen.append(store.execute(failed).state)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert not result.errors, result.errors
    assert seen == [AcceptDecision.RUN, State.FAILED, State.LOST]
    assert store.execute(ListRecords()).records == ()
