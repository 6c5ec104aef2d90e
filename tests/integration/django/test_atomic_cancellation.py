"""Atomic handlers in asyncio programs that stop waiting for them: the effect is there once, or not.

A handler runs in a thread, which cannot be stopped. Its transaction counts whenever it ends, unless
another process has the delivery by then.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
from django.db import connections

from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import Operation, State, Store
from florentin_webhooks.core.stores.guards import GuardStep, Latest
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.atomic_shop import AtomicShop
from tests.support.django_stores import in_threads
from tests.support.handling import raising
from tests.support.receivers import SpiedStore
from tests.support.stores import A
from tests.support.waiting import aeventually

pytestmark = pytest.mark.anyio


class Slow:
    """A handler that runs until the test ends it, and may fail then."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self._fail: Callable[[], object] = raising(error) if error else lambda: None

    def __call__(self, *_: object) -> None:
        if not self.may_end.is_set():
            self.began.set()
            assert self.may_end.wait(30)
        self._fail()


@pytest.fixture(name="shop")
def _shop(request: pytest.FixtureRequest) -> Iterator[AtomicShop]:
    params = getattr(request.node, "callspec", None)
    is_cancelled = params is not None and params.params.get("stopped") is by_cancelling_its_task
    shop = AtomicShop(timeout=60 if is_cancelled else 0.05)
    yield shop
    asyncio.run(shop.receiver.aclose())
    connections.close_all()


async def by_its_timeout(shop: AtomicShop, _: Slow) -> None:
    assert (await shop.areceive()).outcome is Outcome.HANDLER_FAILED


async def by_cancelling_its_task(shop: AtomicShop, slow: Slow) -> None:
    task = asyncio.ensure_future(shop.areceive())
    await aeventually(slow.began.is_set)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


Stopped = Callable[[AtomicShop, Slow], Awaitable[None]]
either_way = pytest.mark.parametrize("stopped", [by_its_timeout, by_cancelling_its_task])


async def ends(shop: AtomicShop, slow: Slow, state: State) -> None:
    """Let the handler end, and wait until the delivery is in *state*."""
    slow.may_end.set()
    await aeventually(lambda: shop.state() is state)


async def retry(shop: AtomicShop) -> Outcome:
    """Return the outcome of a retry without a time limit."""
    (reply,) = await asyncio.to_thread(in_threads, 1, lambda _: shop.receive())
    return reply.outcome


@either_way
async def test_late_handler_has_its_effect_once(shop: AtomicShop, stopped: Stopped) -> None:
    slow = Slow()
    shop.on("bill", slow)
    await stopped(shop, slow)
    await ends(shop, slow, State.DONE)
    assert await retry(shop) is Outcome.DUPLICATE
    assert (shop.ran, shop.effects()) == (["bill"], 1)


@either_way
async def test_late_failure_has_no_effect_and_runs_again(
    shop: AtomicShop, stopped: Stopped
) -> None:
    slow = Slow(KeyError())
    shop.on("bill", slow, latest=lambda _: "customer")
    await stopped(shop, slow)
    await ends(shop, slow, State.FAILED)
    assert shop.effects() == 0
    assert await retry(shop) is Outcome.PROCESSED
    assert (shop.ran, shop.effects()) == (["bill", "bill"], 1)


@either_way
async def test_handlers_after_a_late_one_run_with_the_retry(
    shop: AtomicShop, stopped: Stopped
) -> None:
    slow = Slow()
    shop.on("bill", slow)
    shop.on("thank")
    await stopped(shop, slow)
    await ends(shop, slow, State.FAILED)
    assert await retry(shop) is Outcome.PROCESSED
    assert (shop.ran, shop.effects()) == (["bill", "thank"], 2)


class Late(SpiedStore):
    """A store that takes its time until it begins with a handler's transaction."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.may_begin = asyncio.Event()

    async def aexecute(self, operation: Operation[A]) -> A:
        if isinstance(operation, RunInTransaction):
            await self.may_begin.wait()
        return await super().aexecute(operation)


async def test_late_handler_without_lease_supersedes_nothing(
    shop: AtomicShop,
) -> None:
    late = shop.receiver.store = Late(shop.store)
    shop.on("bill", latest=lambda _: "customer")
    assert (await shop.areceive()).outcome is Outcome.HANDLER_FAILED
    shop.loses_its_lease()
    late.may_begin.set()
    await aeventually(lambda: len(shop.asked(Latest)) > 1)
    assert [each.step for each in shop.asked(Latest)] == [GuardStep.BEGIN, GuardStep.RELEASE]
    assert (shop.ran, shop.effects()) == ([], 0)
