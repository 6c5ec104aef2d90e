"""Guards that threads request at once: exactly one may run."""

from __future__ import annotations

from collections import Counter
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest, Once
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import in_threads, store_on
from tests.support.stores import accept, content

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param)


def test_one_of_many_threads_passes_a_guard(store: DjangoStore) -> None:
    store.execute(accept(content()))
    start = Barrier(10)

    def begin(_: int) -> GuardDecision:
        start.wait(timeout=60)
        once = Once(fingerprint(content()), "mail", b"first", GuardStep.BEGIN, 60)
        return store.execute(once).decision

    assert set(in_threads(10, begin)) == {GuardDecision.RUN}  # Who has the lease may ask twice.
    entities = range(5)

    def latest(racer: int) -> list[GuardDecision]:
        reported = []
        for number in entities:
            start.wait(timeout=60)
            entity, token = b"entity-%d" % number, b"%d" % racer
            reported.append(store.execute(Latest(entity, 1, token, GuardStep.BEGIN, 60)).decision)
        return reported

    for reported in zip(*in_threads(10, latest), strict=True):
        assert Counter(reported) == {GuardDecision.RUN: 1, GuardDecision.BUSY: 9}
