"""The connection that a work-horse finds open."""

from __future__ import annotations

from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks.rq.batch import spare
from florentin_webhooks.rq.batch.spare import SpareConnection


class Pool:
    """A pool of connections, which are numbers, and what has happened to them."""

    def __init__(self) -> None:
        self.connection_pool, self.happened = self, list[str]()
        self.is_lost = False

    def get_connection(self) -> Any:
        if self.is_lost:
            raise RedisConnectionError
        self.happened.append("opened")
        return self

    def disconnect(self) -> None:
        self.happened.append("closed")

    def release(self, _: object) -> None:
        self.happened.append("released")


def test_young_connection_is_kept_and_an_old_one_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    kept = SpareConnection(cast("Any", pool))
    kept.open()
    kept.open()
    assert pool.happened == ["opened"]
    monkeypatch.setattr(spare, "LONGEST_AGE", -1.0)
    kept.open()
    assert pool.happened == ["opened", "closed", "released", "opened"]


def test_next_one_is_open_before_the_lent_one_is_closed() -> None:
    pool = Pool()
    kept = SpareConnection(cast("Any", pool))
    kept.open()
    kept.lend()
    assert pool.happened == ["opened", "opened"]
    kept.close_lent()
    assert pool.happened == ["opened", "opened", "closed", "released"]
    assert kept.connection is not None


def test_without_an_answer_there_is_none() -> None:
    pool = Pool()
    pool.is_lost = True
    kept = SpareConnection(cast("Any", pool))
    kept.open()
    kept.close()
    assert kept.connection is None
    assert pool.happened == []
