"""Registering handlers that run in the store's transaction."""

from __future__ import annotations

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore, Router, events
from florentin_webhooks.core.stores.base import Store
from florentin_webhooks.errors import ConfigurationError
from tests.support.shop import SECRET


def bill(_: events.InvoiceCreated) -> None:
    """A handler that a transaction can hold."""


async def abill(_: events.InvoiceCreated) -> None:
    """One that it cannot."""


def test_atomic_handler_must_be_a_plain_function() -> None:
    with pytest.raises(ConfigurationError, match="abill is async"):
        Router().on("invoice.created", atomic=True)(abill)


@pytest.mark.parametrize("store", [MemoryStore(), RedisStore("redis://localhost")])
def test_store_without_transactions_refuses_atomic_handlers(store: Store) -> None:
    name = f"{type(store).__name__} has no transaction"
    with pytest.raises(ConfigurationError, match=name):
        Receiver(SECRET, store=store).on("invoice.created", atomic=True)(bill)


def test_atomic_handler_of_a_router_is_refused_on_include() -> None:
    router = Router()
    router.on("invoice.created", atomic=True)(bill)
    with pytest.raises(ConfigurationError, match="Use DjangoStore"):
        Receiver(SECRET).include(router)
