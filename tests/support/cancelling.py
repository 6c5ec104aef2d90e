"""Every way in which a program stops waiting for what it has asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio
import pytest

__all__ = ["Way", "by_cancelling_its_task", "each_way"]

Work = Coroutine[Any, Any, object]
Way = Callable[[Work, asyncio.Event], Awaitable[None]]


async def by_cancelling_its_task(work: Work, reached: asyncio.Event) -> None:
    task = asyncio.ensure_future(work)
    await reached.wait()
    task.cancel()
    await asyncio.wait({task})


async def by_a_timeout(work: Work, reached: asyncio.Event) -> None:
    async def limited() -> None:
        async with asyncio.timeout(None) as limit:
            limits.append(limit)
            await work

    limits: list[asyncio.Timeout] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    limits[0].reschedule(0)
    await asyncio.wait({task})
    assert isinstance(task.exception(), TimeoutError)


async def by_move_on_after(work: Work, reached: asyncio.Event) -> None:
    async def limited() -> None:
        with anyio.move_on_after(60) as scope:
            scopes.append(scope)
            await work

    scopes: list[anyio.CancelScope] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    scopes[0].deadline = anyio.current_time()
    await task


async def by_fail_after(work: Work, reached: asyncio.Event) -> None:
    async def limited() -> None:
        with anyio.fail_after(60) as scope:
            scopes.append(scope)
            await work

    scopes: list[anyio.CancelScope] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    scopes[0].deadline = anyio.current_time()
    await asyncio.wait({task})
    assert isinstance(task.exception(), TimeoutError)


async def by_a_task_group(work: Work, reached: asyncio.Event) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: work)
        await reached.wait()
        group.cancel_scope.cancel()


each_way = pytest.mark.parametrize(
    "cancelled",
    [
        by_cancelling_its_task,
        by_a_timeout,
        by_move_on_after,
        by_fail_after,
        by_a_task_group,
    ],
)
