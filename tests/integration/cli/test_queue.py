"""``queue`` shows what waits, who works, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.testing import Provider
from tests.support.operated import Operated


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def test_waiting_events_without_worker_are_a_problem(shop: Operated) -> None:
    assert shop.types("queue").exit_code == 0
    shop.sent("invoice.created")
    result = shop.types("queue")
    assert "1 event is waiting in queue florentin, but no worker runs" in result.stderr
    assert result.stderr.startswith("problem: ")
    assert f"Run: florentin-webhooks worker {shop.app} --queue florentin" in result.stderr
    assert result.exit_code == 1
    sight = shop.json("queue")[0]
    assert (sight["waiting"], sight["workers"], sight["ok"]) == (1, [], False)
    assert (sight["running"], sight["scheduled"], sight["dead"], sight["lost"]) == (0,) * 4
    assert sight["oldest_waiting_since"]
    shown = " ".join(result.stdout.split())
    assert "queue florentin waiting 1, the oldest for " in shown
    assert "scheduler none workers none" in shown


def deliver_elsewhere(shop: Operated, path: str) -> None:
    """Deliver an event to a program at *path* that shares queue and store with *shop*."""
    secret = "a-secret-of-another-program"
    with closing(RedisStore(shop.url)) as store:
        hooks = Receiver(secret, store=store, queue=RQQueue("florentin", receiver=path))
        hooks.on("invoice.created")(print)
        assert Provider(secret).deliver(hooks, "invoice.created").status == 202


def test_jobs_of_another_program_are_a_problem(shop: Operated) -> None:
    deliver_elsewhere(shop, "warehouse.hooks:hooks")
    result = shop.types("queue")
    assert re.search(r"of warehouse\.hooks:hooks +1$", result.stdout, re.MULTILINE)
    problem = "Queue florentin has 1 job of another program, warehouse.hooks:hooks."
    assert f'problem: {problem} Use RQQueue("other-name")' in result.stderr
    assert result.exit_code == 1
    fields = shop.json("queue")[0]
    assert fields["foreign"] == {"warehouse.hooks:hooks": 1}
    assert problem in fields["problems"]


def test_jobs_of_a_replaced_secret_name_the_remedy(shop: Operated) -> None:
    deliver_elsewhere(shop, shop.app)
    problem = f"Queue florentin has 1 job of {shop.app} under another secret."
    assert f"problem: {problem} If the secret was replaced, start" in shop.types("queue").stderr
    fields = shop.json("queue")[0]
    assert fields["foreign"] == {shop.app: 1}
    assert problem in fields["problems"]
