"""One server for many programs, one after the other: a server for each would take most of the time.

It tells no program of a lifespan; tests of lifespans start a server of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.http import Answer, ask
from tests.support.server import under_uvicorn
from tests.support.vectors import Request, delivery

__all__ = ["Switchboard", "switchboard"]


class Switchboard:
    """What is asked at *port* is answered by the program that was connected last."""

    def __init__(self) -> None:
        self.port = 0
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        assert self._app is not None, "no program is connected"
        await self._app(scope, receive, send)

    def connect(self, app: ASGIApp) -> None:
        """Let *app* answer from now on."""
        self._app = app

    def ask(self, path: str, request: Request | None = None) -> Answer:
        """What the program answers to a genuine delivery, or to *request*."""
        answer = ask(self.port, delivery() if request is None else request, path)
        assert answer is not None, "the server hung up without an answer"
        return answer


@contextmanager
def switchboard() -> Iterator[Switchboard]:
    """A server that runs."""
    board = Switchboard()
    with under_uvicorn(board, lifespan="off") as board.port:
        yield board
