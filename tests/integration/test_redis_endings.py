"""Programs that end in the middle of a delivery: what was taken is given back."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from florentin_webhooks import RedisStore, Reply
from florentin_webhooks.deliveries import Outcome
from florentin_webhooks.testing import Made
from tests.helpers.proxy import Proxy
from tests.helpers.shop import Shop
from tests.helpers.waiting import aeventually


@pytest.fixture(autouse=True)
def nobody_closes() -> Iterator[None]:
    """A program that ends like this leaves its connection to the garbage, which redis-py tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def run_until(shop: Shop, made: Made, reached: Callable[[], object]) -> asyncio.Future[Reply]:
    """Run a program that receives *made* and ends as soon as *reached* holds."""

    async def program() -> asyncio.Future[Reply]:
        await shop.areceive()
        shop.ran.clear()
        receiving = asyncio.ensure_future(shop.areceive(made))
        await asyncio.sleep(0)
        await aeventually(reached)
        return receiving

    return asyncio.run(program())


def test_in_a_handler(redis_url: str) -> None:
    with closing(RedisStore(redis_url)) as store:
        waiting = WaitingShop(store)
        made = waiting.make()
        assert run_until(waiting, made, lambda: waiting.waits).cancelled()
        assert Shop(store).receive(made).outcome is Outcome.PROCESSED


class WaitingShop(Shop):
    """A shop whose second delivery never ends."""

    waits = False

    async def _abill(self, _: object, delivery: object) -> None:  # type: ignore[override]
        self.ran["runs"] += 1
        if self.ran.total() == 1 and self.first:
            self.waits = True
            await asyncio.Event().wait()
