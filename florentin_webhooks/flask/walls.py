"""Tell the log where the program around us answers deliveries, of which we then never hear.

A login wall that runs before each request sends Florentin to a login page, and nobody notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, after_this_request, current_app, request

from florentin_webhooks.journal import logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["note_arrival", "watching_walls"]

_ARRIVED = "florentin_webhooks.arrived"
_TOLD = (
    "a delivery was answered with %d before the receiver saw it, by a function that the app runs "
    "before each request: %s; let %r pass there; this is told once"
)


def note_arrival(environ: dict[str, object]) -> None:
    """Note that the request of *environ* has come as far as the receiver."""
    environ[_ARRIVED] = True


def watching_walls() -> Callable[[], None]:
    """Give what is to be called before anything that an app runs before each request.

    It costs an app without such functions nothing.
    """
    told: set[int] = set()

    def tell(response: Response) -> Response:
        if _ARRIVED in request.environ or request.method != "POST":
            return response
        status = response.status_code
        if status not in told:  # Each once, since anybody can cause this line.
            told.add(status)
            logger.error(_TOLD, status, _suspects(), request.blueprint)
        return response

    def watch() -> None:
        if current_app.before_request_funcs.get(None):
            after_this_request(tell)

    return watch


def _suspects() -> str:
    functions = current_app.before_request_funcs[None]
    return ", ".join(
        f"{each.__module__}:{getattr(each, '__qualname__', '?')}" for each in functions
    )
