"""A bound on waiting whose timer is set only where there is something to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest

from florentin_webhooks.core.timeouts import run_with_timeout

pytestmark = pytest.mark.anyio


async def test_work_that_waits_for_nothing_is_done_at_once() -> None:
    seen: list[str] = []

    async def work() -> None:
        seen.append("done")

    await run_with_timeout(0, work())
    assert seen == ["done"]


async def test_work_that_waits_runs_to_its_end() -> None:
    seen: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        seen.append("done")

    await run_with_timeout(10, work())
    assert seen == ["done"]


async def test_work_that_waits_too_long_is_cancelled_where_it_waits() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # A clean-up may wait as well.
            seen.append("cleaned up")
            raise

    with pytest.raises(TimeoutError):
        await run_with_timeout(0.001, work())
    assert seen == ["cleaned up"]
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


@pytest.mark.parametrize("waits", [False, True])
async def test_what_the_work_raises_comes_through(waits: bool) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
        raise KeyError("from the work")

    with pytest.raises(KeyError, match="from the work"):
        await run_with_timeout(10, work())


async def test_awaited_error_can_be_handled_by_the_work() -> None:
    failed = asyncio.get_running_loop().create_future()

    seen: list[str] = []

    async def work() -> None:
        try:
            await failed
        except ValueError:
            seen.append("handled")

    asyncio.get_running_loop().call_soon(failed.set_exception, ValueError())
    await run_with_timeout(10, work())
    assert seen == ["handled"]


async def test_outside_cancellation_is_reported() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(_waiting(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_bound_within_a_bound_keeps_to_its_own() -> None:
    seen: list[str] = []

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        seen.append("went on")

    await run_with_timeout(10, work())
    assert seen == ["went on"]


async def test_the_time_before_the_first_wait_counts() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while loop.time() < start + 0.01:
            pass
        await asyncio.Event().wait()

    before = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await run_with_timeout(0.01, work())
    assert asyncio.get_running_loop().time() - before < 5


async def _waiting(work: Coroutine[object, object, None]) -> None:
    await run_with_timeout(10, work)
