"""Steps that wait for locks of other transactions, and the choice of timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.db import connections

from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import ConfigurationError
from tests.support.django_settings import POSTGRESQL, SQLITE, configure
from tests.support.django_stores import BODY, LOOKS, STEPS, refused, store_on
from tests.support.stores import accept

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.postgres import shared_server

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which ``first`` has the lease of one delivery."""
    made = store_on(request.param)
    made.execute(accept(BODY))
    return made


@contextmanager
def writing(alias: str) -> Iterator[None]:
    """Write to every record in another transaction, and do not commit."""
    change = "UPDATE florentin_webhooks_delivery SET attempt = attempt"
    if alias == SQLITE:
        other = sqlite3.connect(connections[alias].settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute(change)
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    with shared_server().connect() as connected, connected.transaction(force_rollback=True):
        connected.execute("LOCK florentin_webhooks_guard IN EXCLUSIVE MODE")
        connected.execute(change)
        yield


@pytest.mark.parametrize(
    ("store", "step"),
    [(SQLITE, STEPS[0]), *((POSTGRESQL, step) for step in STEPS[:3])],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
    indirect=["store"],
)
def test_locked_row_is_unavailable_in_time(store: DjangoStore, step: Operation[Any]) -> None:
    with writing(store.using):
        assert refused(store, step).endswith(("is locked.", "LockNotAvailable."))
    store.execute(step)


@pytest.mark.parametrize("look", LOOKS, ids=lambda each: type(each).__name__)
def test_reads_do_not_wait_for_writers(store: DjangoStore, look: Operation[Any]) -> None:
    with writing(store.using):
        assert store.execute(look)


def test_unsupported_database_is_refused() -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    other = {**connections.settings[SQLITE], "ENGINE": "django.db.backends.dummy"}
    with (
        patch.dict(connections.settings, other=other),
        pytest.raises(ConfigurationError, match="PostgreSQL or SQLite"),
    ):
        DjangoStore("other")
