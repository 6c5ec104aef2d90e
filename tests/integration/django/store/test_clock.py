"""The database's clock, and times in its columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.test import override_settings

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import store_on
from tests.support.stores import NOON, Span, accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


BODY = content()
KEY = fingerprint(BODY)
HOUR = 3600


def test_server_side_binding_keeps_large_durations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, connection = store_on(POSTGRESQL), connections[POSTGRESQL]
    connection.close()
    settings = connection.settings_dict
    options = {**settings["OPTIONS"], "server_side_binding": True}
    monkeypatch.setattr(connection, "settings_dict", {**settings, "OPTIONS": options})
    verdicts = [store.execute(accept(BODY, token=token)).decision for token in (b"one", b"two")]
    connection.close()
    assert verdicts == [AcceptDecision.RUN, AcceptDecision.IN_PROGRESS]


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param, Span(retention=HOUR))


def test_times_are_the_same_without_time_zones(store: DjangoStore) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE="America/New_York"):
        store.execute(accept(BODY))
        store.execute(finish(BODY, State.FAILED))
        record = store.execute(GetRecord(KEY))
        assert record is not None
        assert record.received_at == NOON
        assert len(store.execute(ListRecords(since=NOON, until=NOON)).records) == 1
        assert store.execute(accept(BODY, token=b"other")).decision is AcceptDecision.RUN
        assert store.execute(finish(BODY, token=b"other")) is State.DONE
        done = store.execute(GetRecord(KEY))
    assert done is not None
    assert done.finished_at is not None
    assert abs(done.finished_at - datetime.now(UTC)) < timedelta(minutes=5)
