"""Records that are sent ahead: when a run waits for their answers, and what ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.records import PendingRecords
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable

pytestmark = pytest.mark.anyio

FINISH = Finish(b"key", b"token", State.RUNNING, "m:bill")
LEASE = 60.0


class Store:
    """A store that answers when a test says so."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[State]] = []

    async def asend(self, operation: Any) -> Any:  # Any: any operation and its answer.
        assert operation is FINISH
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


@pytest.fixture
def store() -> Store:
    return Store()


async def repeat(*_: object) -> State:
    raise Unavailable("Redis is still away.")


def records(store: Store, *, claimed_ago: float = 0) -> PendingRecords:
    claimed_at = time.monotonic() - claimed_ago
    lease = SimpleNamespace(claimed_at=claimed_at, seconds=LEASE, repeat=repeat)
    return PendingRecords(cast("Lease", lease), store)


async def add(made: PendingRecords, times: int = 1, *, seconds: float = 8) -> Sequence[State]:
    async with asyncio.timeout(10):
        return [await made.add(FINISH, seconds) for _ in range(times)]


async def test_no_answer_is_awaited_while_the_lease_lasts(store: Store) -> None:
    assert await add(records(store), 15) == [State.RUNNING] * 15
    assert not any(answer.done() for answer in store.answers)


@pytest.mark.parametrize(("seconds", "claimed_ago"), [(LEASE + 1, 0), (8, LEASE - 7)])
async def test_answer_is_awaited_where_the_confirmed_lease_is_too_short(
    store: Store, seconds: float, claimed_ago: float
) -> None:
    made = records(store, claimed_ago=claimed_ago)
    adding = asyncio.ensure_future(add(made, seconds=seconds))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not adding.done()
    store.answers[0].set_result(State.RUNNING)
    assert await adding == [State.RUNNING]


async def test_answer_extends_the_confirmed_lease(store: Store) -> None:
    made = records(store, claimed_ago=LEASE - 7)
    adding = asyncio.ensure_future(add(made))
    await asyncio.sleep(0)
    store.answers[0].set_result(State.RUNNING)
    await adding
    assert await add(made, 3) == [State.RUNNING] * 3


@pytest.mark.parametrize("state", [State.LOST, State.DONE])
async def test_other_run_ends_this_one(store: Store, state: State) -> None:
    made = records(store)
    await add(made, 2)
    for answer in store.answers:
        answer.set_result(state)
    assert await add(made) == [state]
    store.answers[-1].set_result(state)
    assert await made.settle() is state


async def test_missing_record_ends_the_run(store: Store) -> None:
    made = records(store)
    await add(made)
    store.answers[0].set_exception(Unavailable("Redis is away."))
    with pytest.raises(Unavailable, match="still away"):
        await add(made)


async def test_settling_waits_for_every_answer(store: Store) -> None:
    made = records(store)
    await add(made, 3)
    settling = asyncio.ensure_future(made.settle())
    assert len(store.answers) == 3
    for answer in store.answers:
        await asyncio.sleep(0)
        assert not settling.done()
        answer.set_result(State.RUNNING)
    assert await settling is State.RUNNING
