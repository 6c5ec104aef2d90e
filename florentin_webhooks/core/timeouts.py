"""Limit the time of a coroutine, at no cost where it need not wait."""

from __future__ import annotations

import asyncio
from time import monotonic
from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

__all__ = ["TimeIsOver", "finish_with_timeout", "run_with_timeout"]


class TimeIsOver(TimeoutError):
    """A time limit of ours, and not one that the work has set for itself."""


async def run_with_timeout(seconds: float, work: Coroutine[Any, Any, object]) -> None:
    """Run *work*, whose result is ignored; raises :class:`TimeIsOver` after *seconds*.

    A timer is set only where *work* waits for something. Most bodies have arrived with their
    headers, and a timer costs as much as verifying their signature.
    """
    start = monotonic()
    # A for loop, since send() would raise StopIteration, which costs 2 of a delivery's 35 us.
    for awaited in work.__await__():
        await finish_with_timeout(work, awaited, seconds - (monotonic() - start))
        return


async def finish_with_timeout(
    work: Coroutine[Any, Any, object], awaited: object, seconds: float
) -> None:
    """Finish *work*, which has begun and waits for *awaited*; see :func:`run_with_timeout`."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await _rest(work, awaited)
    except TimeoutError as error:
        if limit.expired():
            raise TimeIsOver from error.__cause__
        raise


@coroutine
def _rest(work: Coroutine[Any, Any, object], awaited: object) -> Generator[object, object, None]:
    """Finish *work*, which has taken its first step and waits for *awaited*."""
    while True:
        try:
            try:
                result = yield awaited
            except BaseException as error:  # noqa: BLE001 - all that is thrown in is for the work.
                awaited = work.throw(error)
            else:
                awaited = work.send(result)
        except StopIteration:
            return
