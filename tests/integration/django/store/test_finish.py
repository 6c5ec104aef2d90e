"""The end of handlers: only the lease's token records it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import BODY, KEY, passed, store_on, stored_body
from tests.support.stores import Span, accept, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which ``first`` has the lease of one delivery."""
    made = store_on(request.param)
    made.execute(accept(BODY))
    return made


def test_wrong_token_is_lost_and_changes_nothing(store: DjangoStore) -> None:
    assert store.execute(finish(BODY, token=b"other")) is State.LOST
    record = store.execute(GetRecord(KEY))
    assert record is not None
    assert (record.state, record.handlers) == (State.RUNNING, {})


def test_expired_lease_is_lost_after_another_attempt(store: DjangoStore) -> None:
    passed(store.using, 3601)
    store.execute(accept(BODY, token=b"second"))
    assert store.execute(finish(BODY)) is State.LOST
    assert store.execute(finish(BODY, token=b"second")) is State.DONE


def test_repeated_finish_of_done_delivery_is_done(store: DjangoStore) -> None:
    assert [store.execute(finish(BODY)) for _ in range(2)] == [State.DONE, State.DONE]


def test_finish_within_a_transaction_is_lost_once_done(store: DjangoStore) -> None:
    from florentin_webhooks.django.store.finish import finish_within
    from florentin_webhooks.django.store.transactions import transaction

    store.execute(finish(BODY))
    with transaction(store.using):
        assert finish_within(store._options, finish(BODY)) is State.LOST


def test_lease_is_held_until_the_delivery_ends(store: DjangoStore) -> None:
    from florentin_webhooks.django.store.finish import holds_lease

    options = store._options
    assert holds_lease(options, finish(BODY))
    assert not holds_lease(options, finish(BODY, token=b"other"))
    store.execute(finish(BODY))
    assert not holds_lease(options, finish(BODY))


@pytest.mark.parametrize(("history", "body"), [(0, None), (1, BODY)])
def test_body_of_done_delivery_is_kept_only_with_history(history: int, body: bytes | None) -> None:
    store = store_on(SQLITE, Span(history=history))
    store.execute(accept(BODY))
    assert stored_body(SQLITE, KEY) == BODY
    store.execute(finish(BODY))
    assert stored_body(SQLITE, KEY) == body
