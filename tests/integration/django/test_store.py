"""How a program may come by its store, and what it may ask of it where."""

from __future__ import annotations

import asyncio
import unittest
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.transaction import atomic, set_rollback
from django.test import TestCase, override_settings

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest, Once
from florentin_webhooks.core.stores.jobs import ClaimJob, ListPendingJobs
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE, configure
from tests.support.django_stores import store_on
from tests.support.parts import job
from tests.support.stores import NOON, accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore

BODY = content()
KEY = fingerprint(BODY)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param)


def test_a_transaction_around_the_store_is_refused(store: DjangoStore) -> None:
    using = store.using
    latest = Latest(b"entity", 1, b"t", GuardStep.BEGIN, 60)
    steps: list[Operation[Any]] = [accept(BODY), finish(BODY), latest]  # Any: of every answer.
    for operation in steps:
        with atomic(using), pytest.raises(ConfigurationError, match="non_atomic_requests"):
            store.execute(operation)
    with atomic(using):
        assert store.execute(GetRecord(KEY)) is None
        assert store.execute(ListRecords()) == ()


def test_what_happens_once_is_part_of_the_transaction_around_it(store: DjangoStore) -> None:
    store.execute(accept(BODY))

    def once(step: GuardStep) -> GuardDecision:
        return store.execute(Once(KEY, "mail", b"first", step, 60)).permission

    with atomic(store.using):
        once(GuardStep.BEGIN)
        once(GuardStep.DONE)
        set_rollback(True, store.using)
    assert once(GuardStep.BEGIN) is GuardDecision.RUN


def test_a_step_that_needs_a_queue_is_refused(store: DjangoStore) -> None:
    assert (store.supports_jobs, store.supports_transactions) == (False, True)
    steps: list[Operation[Any]] = [ClaimJob(KEY, b"t", job(BODY), 60), ListPendingJobs("q", NOON)]
    for operation in steps:
        with pytest.raises(ConfigurationError, match="does not support"):
            store.execute(operation)


def test_an_event_loop_that_would_be_blocked_is_a_configuration_error(store: DjangoStore) -> None:
    async def flow() -> None:
        store.execute(accept(BODY))

    with pytest.raises(ConfigurationError, match="aexecute"):
        asyncio.run(flow())


def test_whoever_is_cancelled_has_asked_all_the_same(store: DjangoStore) -> None:
    async def flow() -> None:
        asked = asyncio.create_task(store.aexecute(accept(BODY)))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await store.aexecute(GetRecord(KEY)) is not None
        await store.aclose()

    asyncio.run(flow())


def test_a_server_that_binds_values_itself_keeps_them_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, connection = store_on(POSTGRESQL), connections[POSTGRESQL]
    connection.close()
    settings = connection.settings_dict
    options = {**settings["OPTIONS"], "server_side_binding": True}
    monkeypatch.setattr(connection, "settings_dict", {**settings, "OPTIONS": options})
    verdicts = [store.execute(accept(BODY, token=token)).verdict for token in (b"one", b"two")]
    connection.close()
    assert verdicts == [AcceptDecision.RUN, AcceptDecision.IN_PROGRESS]


def test_unfinished_retention_shorter_than_retention_is_refused() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with pytest.raises(ConfigurationError, match="Raise unfinished_retention"):
        DjangoStore(unfinished_retention=timedelta(hours=1))


def test_keep_still_works_and_warns_of_its_new_name() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with pytest.warns(DeprecationWarning, match="unfinished_retention="):
        store = DjangoStore(keep=timedelta(days=7))
    assert store.unfinished_retention == timedelta(days=7)


def test_a_database_that_is_not_in_the_settings_is_refused_at_start() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with pytest.raises(
        ConfigurationError, match=r"DATABASES has no 'shop'\. Choose one of: absent, "
    ):
        DjangoStore("shop")


def test_a_database_of_another_kind_is_refused_at_start() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    other = {**connections.settings[SQLITE], "ENGINE": "django.db.backends.dummy"}
    with (
        patch.dict(connections.settings, other=other),
        pytest.raises(ConfigurationError, match="PostgreSQL or SQLite"),
    ):
        DjangoStore("other")


def test_a_program_without_the_app_is_told_to_install_it() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with (
        override_settings(INSTALLED_APPS=[]),
        pytest.raises(ConfigurationError, match="Add 'florentin_webhooks"),
    ):
        DjangoStore()


def test_the_migrations_say_all_that_the_models_say() -> None:
    configure()
    call_command("makemigrations", "florentin_webhooks", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("alias", [SQLITE, POSTGRESQL])
def test_a_test_case_of_django_may_have_deliveries_that_it_rolls_back(alias: str) -> None:
    store = store_on(alias)
    seen: list[object] = []

    class Case(TestCase):
        databases = {alias}  # noqa: RUF012 - as Django has it.

        def test(self) -> None:
            seen.append(store.execute(accept(BODY)).verdict)
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
    assert store.execute(ListRecords()) == ()
