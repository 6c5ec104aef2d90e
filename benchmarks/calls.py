"""Count the calls of a delivery: ``python -m benchmarks.calls`` lists those of Python functions.

Unlike its time, their number does not depend on the machine and its load. Counted is the third
delivery of a receiver with an ``async`` handler, through ASGI with a MemoryStore; the server's
``receive`` and ``send`` and the handler count, too.
"""

from __future__ import annotations

import asyncio
import sys
from types import FrameType
from typing import TYPE_CHECKING

from benchmarks.deliveries import distinct
from benchmarks.in_process import request_of
from benchmarks.programs import full

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

    from florentin_webhooks.testing import SignedDelivery

__all__ = ["python_calls"]


def main() -> None:
    """Print each call and their number."""
    calls = python_calls()
    print("\n".join(calls))
    print(f"{len(calls)} Python calls for one delivery")


def python_calls() -> list[str]:
    """Return the module and the name of each Python function that a delivery calls."""
    app, runs = full()
    calls: list[str] = []
    for made in distinct(3):
        calls = asyncio.run(_calls(app, made))
    assert len(runs) == 3
    return calls


async def _calls(app: ASGIApp, made: SignedDelivery) -> list[str]:
    calls: list[str] = []
    scope, message = request_of(made)

    async def receive() -> Message:
        return message

    async def send(_message: Message) -> None:
        pass

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            calls.append(f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}")

    request = app(scope, receive, send)
    sys.setprofile(profile)
    try:
        await request
    finally:
        sys.setprofile(None)
    return calls


if __name__ == "__main__":
    main()
