"""The end of an event loop, which closes what was opened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ["LoopEnd"]


class LoopEnd:
    """Calls *close* at the end of the event loop that it has joined, or before.

    asyncio.run, and all that ends a loop as it does, closes the generators of the loop.
    """

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._generator = _closing(close)
        self.is_awaited = False

    async def join(self) -> None:
        """Join the running event loop, which knows the generator from here on."""
        self.is_awaited = True
        await anext(self._generator)

    async def aclose(self) -> None:
        """Call *close* now, and not at the end."""
        await self._generator.aclose()


async def _closing(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await close()
