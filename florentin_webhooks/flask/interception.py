"""Tell the log where the program around us answers deliveries, of which we then never hear.

A login wall that runs before each request sends Florentin to a login page, and nobody notices.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from flask import Response, after_this_request, request

from florentin_webhooks.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

__all__ = ["log_intercepted", "mark_reached"]

_ARRIVED = "florentin_webhooks.arrived"
_TOLD = (
    "a delivery was answered with %d before the receiver saw it, by a function that runs before "
    "each request: %s; let %r pass there; this is told once"
)


def mark_reached(environ: dict[str, object]) -> None:
    """Note that the request of *environ* has come as far as the receiver."""
    environ[_ARRIVED] = True


def log_intercepted(app: Flask, blueprint: str) -> Callable[[], None]:
    """Give what is to be called before anything that *app* runs before each request.

    The blueprints around *blueprint*, which its name tells, may have such functions as well. It
    costs an app without them nothing.
    """
    names = (None, *accumulate(blueprint.split("."), "{}.{}".format))
    told: set[int] = set()

    def tell(response: Response) -> Response:
        status, arrived = response.status_code, _ARRIVED in request.environ
        if request.method == "POST" and not arrived and status not in told:
            told.add(status)  # Each once, since anybody can cause this line.
            logger.error(_TOLD, status, _functions(app, names), blueprint)
        return response

    def watch() -> None:
        if any(map(app.before_request_funcs.get, names)):
            after_this_request(tell)

    return watch


def _functions(app: Flask, names: Iterable[str | None]) -> str:
    functions = [each for name in names for each in app.before_request_funcs.get(name, ())]
    return ", ".join(
        f"{each.__module__}:{getattr(each, '__qualname__', '?')}" for each in functions
    )
