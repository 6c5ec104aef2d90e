"""Construction of the store, and operations of asyncio programs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.core.stores.jobs import ClaimJob, ListPendingJobs
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE, configure
from tests.support.django_stores import store_on
from tests.support.parts import job
from tests.support.stores import NOON, accept, content

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


BODY = content()


KEY = fingerprint(BODY)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param)


def test_operation_that_needs_a_queue_is_refused(store: DjangoStore) -> None:
    assert (store.supports_jobs, store.supports_transactions) == (False, True)
    steps: list[Operation[Any]] = [ClaimJob(KEY, b"t", job(BODY), 60), ListPendingJobs("q", NOON)]
    for operation in steps:
        with pytest.raises(ConfigurationError, match="does not support"):
            store.execute(operation)


def test_blocking_call_in_an_event_loop_is_refused(store: DjangoStore) -> None:
    async def flow() -> None:
        store.execute(accept(BODY))

    with pytest.raises(ConfigurationError, match="aexecute"):
        asyncio.run(flow())


def test_cancelled_operation_is_executed_anyway(store: DjangoStore) -> None:
    async def flow() -> None:
        asked = asyncio.create_task(store.aexecute(accept(BODY)))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await store.aexecute(GetRecord(KEY)) is not None
        await store.aclose()

    asyncio.run(flow())


def test_unfinished_retention_shorter_than_retention_is_refused() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with pytest.raises(ConfigurationError, match="Raise unfinished_retention"):
        DjangoStore(unfinished_retention=timedelta(hours=1))


def test_keep_still_works_and_warns_of_its_new_name() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with pytest.warns(DeprecationWarning, match="unfinished_retention"):
        store = DjangoStore(keep=timedelta(days=7))
    assert store.unfinished_retention == timedelta(days=7)


def test_unknown_database_is_refused() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with pytest.raises(
        ConfigurationError, match=r"DATABASES has no 'shop'\. Choose one of: absent, "
    ):
        DjangoStore("shop")


def test_missing_app_is_refused_with_a_hint() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    with (
        override_settings(INSTALLED_APPS=[]),
        pytest.raises(ConfigurationError, match="Add 'florentin_webhooks"),
    ):
        DjangoStore()
