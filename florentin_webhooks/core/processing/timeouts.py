"""Limit the time of a coroutine, at no cost where it need not wait."""

from __future__ import annotations

import asyncio
from time import monotonic
from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

__all__ = ["run_with_timeout"]


async def run_with_timeout(seconds: float, work: Coroutine[Any, Any, object]) -> None:
    """Run *work*, whose result is ignored; raises TimeoutError after *seconds*.

    A timer is set only where *work* waits for something. Most bodies have arrived with their
    headers, and a timer costs as much as verifying their signature.
    """
    start = monotonic()
    # A for loop, since send() would raise StopIteration, which costs 2 of a delivery's 35 us.
    for awaited in work.__await__():
        async with asyncio.timeout(seconds - (monotonic() - start)):
            await _rest(work, awaited)
        return


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
