"""A user of Redis who may touch the keys of one store and of RQ, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import ListDeadLetters, ListRecords
from florentin_webhooks.rq.sweeper import requeue_lost
from tests.support.workshop import Workshop, open_workshop, stamped


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    user = f"of-{redis_prefix}"
    rules = f"reset on >few ~{redis_prefix}* ~rq:* &rq:pubsub:* +@all"
    parts = urlsplit(redis_url)
    url = parts._replace(netloc=f"{user}:few@{parts.netloc}").geturl()
    with redis.Redis.from_url(redis_url) as administrator:
        administrator.execute_command("ACL", "SETUSER", user, *rules.split())
        with open_workshop(url, redis_prefix) as opened:
            yield opened
        administrator.execute_command("ACL", "DELUSER", user)


def test_limited_user_has_no_key_elsewhere(shop: Workshop) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        shop.client.get("")


def test_inline_handler_runs_once_for_a_limited_user(shop: Workshop) -> None:
    shop.does("bill", ValueError(), inline=True)
    assert [shop.send().outcome for _ in range(3)] == ["handler-failed", "processed", "duplicate"]
    assert shop.send(stamped(5)).outcome == "duplicate"
    assert shop.ran == ["bill"] * 2


def test_jobs_are_retried_die_and_revive_for_a_limited_user(shop: Workshop) -> None:
    shop.does("bill", *[ValueError()] * 3)
    fingerprint = shop.accept()
    assert shop.send().outcome == "duplicate"
    shop.work_it_off()
    assert shop.record(fingerprint).state is State.DEAD
    assert requeue_lost(shop.hooks, shop.rq(), -1) == 0
    assert len(shop.store.execute(ListDeadLetters())) == 1
    assert len(shop.store.execute(ListRecords()).records) == 1
    assert shop.accept(stamped(5)) == fingerprint
    shop.work_it_off()
    assert shop.ran == ["bill"] * 4
    assert shop.record(fingerprint).state is State.DONE
