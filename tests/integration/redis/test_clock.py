"""The server's clock is set back by an hour: a lease ends no later than one that begins now.

To a script it is the same whether its clock is behind or the end of a lease is ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest, Once
from florentin_webhooks.core.stores.jobs import ClaimJob, JobDecision
from tests.support.parts import job
from tests.support.stores import accept, content, finish

HOUR = 3_600_000
LEASE = 70.0


class Server:
    """A server whose clock is set back for what it leased before."""

    def __init__(self, client: Any, store: RedisStore) -> None:  # Any: redis-py's.
        self.client, self.store = client, store
        self.key = accept(content()).key
        self.record = store.record_key(self.key.hex())

    def set_back(self, key: bytes, field: str) -> None:
        self.client.hincrby(key, field, HOUR)

    def ahead(self, key: bytes, field: str) -> float:
        """Return the seconds until the end of a lease."""
        seconds, microseconds = self.client.time()
        ends = float(self.client.hget(key, field)) / 1000
        return ends - float(seconds) - float(microseconds) / 1e6


@pytest.fixture
def server(redis_url: str, redis_prefix: str) -> Iterator[Server]:
    with (
        closing(RedisStore(redis_url, prefix=redis_prefix)) as store,
        redis.Redis.from_url(redis_url) as client,
    ):
        yield Server(client, store)


def test_inline_delivery_is_locked_for_one_lease_at_most(server: Server) -> None:
    server.store.execute(accept(content()))
    server.set_back(server.record, "u:")
    claim = server.store.execute(accept(content(), token=b"other"))
    assert (claim.decision, claim.wait) == (AcceptDecision.IN_PROGRESS, 60)
    assert 0 < server.ahead(server.record, "u:") <= 60
    assert server.store.execute(finish(content())).value == "done"


def test_job_is_locked_for_one_lease_at_most(server: Server) -> None:
    part = job(content())
    server.store.execute(accept(content(), inline=False, jobs=(part,)))
    server.store.execute(ClaimJob(server.key, b"first", part, LEASE))
    server.set_back(server.record, f"u:{part.queue}")
    claim = server.store.execute(ClaimJob(server.key, b"other", part, LEASE))
    assert (claim.decision, claim.wait) == (JobDecision.BUSY, LEASE)


def test_entity_is_locked_for_one_lease_at_most(server: Server) -> None:
    def begin(token: bytes) -> tuple[GuardDecision, float]:
        return server.store.execute(Latest(b"entity", 1, token, GuardStep.BEGIN, LEASE))

    assert begin(b"first")[0] is GuardDecision.RUN
    server.set_back(server.store.schema.entity(b"entity"), "u")
    assert begin(b"other") == (GuardDecision.BUSY, LEASE)


def test_guard_of_an_earlier_run_locks_nothing(server: Server) -> None:
    server.store.execute(accept(content()))
    server.store.execute(Once(server.key, "mail", b"first", GuardStep.BEGIN, LEASE))
    ends = int(server.client.time()[0]) * 1000 + HOUR
    server.client.hset(server.record, "o:mail", b"earlier:%d" % ends)
    grant = server.store.execute(Once(server.key, "mail", b"first", GuardStep.BEGIN, LEASE))
    assert grant.decision is GuardDecision.RUN


def test_honest_lease_of_another_length_is_left_alone(server: Server) -> None:
    part = job(content())
    server.store.execute(accept(content(), inline=False, jobs=(part,)))
    server.store.execute(ClaimJob(server.key, b"first", part, 2 * LEASE))
    claim = server.store.execute(ClaimJob(server.key, b"other", part, LEASE))
    assert claim.wait > LEASE
