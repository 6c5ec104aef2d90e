"""``queue`` shows what waits, who works, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
    sight = shop.told("queue")[0]
    assert (sight["waiting"], sight["workers"], sight["ok"]) == (1, [], False)
