"""Searches in several script calls, between which the server answers others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.schema import ScriptCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["afollow", "follow"]

_SECONDS = 2.0


def follow(run: Callable[[ScriptCall], object], call: ScriptCall) -> object:
    """Return the answer to the last of the calls that *call* begins; raises Unavailable."""
    answer: object = call
    end = time.monotonic() + _SECONDS
    while isinstance(answer, ScriptCall):
        _check_time(end)
        answer = run(answer)
    return answer


async def afollow(run: Callable[[ScriptCall], Awaitable[object]], call: ScriptCall) -> object:
    """Return the answer to the last of the calls that *call* begins; raises Unavailable."""
    answer: object = call
    end = time.monotonic() + _SECONDS
    while isinstance(answer, ScriptCall):
        _check_time(end)
        answer = await run(answer)
    return answer


def _check_time(end: float) -> None:
    if time.monotonic() > end:
        raise Unavailable(
            f"A search in Redis has not ended within {_SECONDS:.0f} s.",
            "Search for all 32 digits of a fingerprint, which needs no search.",
        )
