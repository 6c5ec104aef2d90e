"""Deliveries inside a ``TestCase``, which keeps a transaction open."""

from __future__ import annotations

import unittest
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.test import TestCase

from florentin_webhooks import Receiver, Reply
from florentin_webhooks.django import webhook_view
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.testing import Provider
from tests.support.django_settings import POSTGRESQL
from tests.support.django_stores import store_on
from tests.support.vectors import SECRET

PROVIDER = Provider(SECRET)


def blocking(hooks: Receiver) -> Reply:
    return hooks.receive(*PROVIDER.make("invoice.created"))


@async_to_sync
async def awaited(hooks: Receiver) -> Reply:
    """Receive as an async test does, whose blocking calls run in the thread of the test."""
    return await hooks.areceive(*PROVIDER.make("invoice.created"))


def count_rows() -> None:
    with connections[POSTGRESQL].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM florentin_webhooks_delivery")


@pytest.mark.parametrize("receive", [blocking, awaited])
def test_async_handler_leaves_the_transaction_of_a_test_case_open(
    receive: Callable[[Receiver], Reply],
) -> None:
    hooks, outcomes = Receiver(SECRET, store=store_on(POSTGRESQL)), list[str]()
    webhook_view(hooks)

    @hooks.on("invoice.created")
    async def bill(_: InvoiceCreated) -> None:
        await sync_to_async(count_rows)()

    class Case(TestCase):
        databases = {POSTGRESQL}  # noqa: RUF012 - as Django has it.

        def test(self) -> None:
            outcomes.extend(receive(hooks).outcome for _ in range(2))

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert (result.errors, outcomes) == ([], ["processed"] * 2)
