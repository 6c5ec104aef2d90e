"""A log line for deliveries that the program answers before they reach the receiver.

A login check that runs before each request redirects Florentin to a login page, which would go
unnoticed.
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

_REACHED = "florentin_webhooks.reached"
_INTERCEPTED = (
    "A delivery was answered with %d before it reached the receiver, by a function that runs "
    "before each request: %s. Let the blueprint %r pass there. This is logged once."
)


def mark_reached(environ: dict[str, object]) -> None:
    """Mark the request of *environ* as one that has reached the receiver."""
    environ[_REACHED] = True


def log_intercepted(app: Flask, blueprint: str) -> Callable[[], None] | None:
    """Return the function to call before those that *app* runs before each request.

    None for an app without any. The blueprints around *blueprint*, which are part of its name, may
    have such functions as well.
    """
    names = (None, *accumulate(blueprint.split("."), "{}.{}".format))
    if not any(map(app.before_request_funcs.get, names)):
        return None
    logged: set[int] = set()

    def log(response: Response) -> Response:
        status, reached = response.status_code, _REACHED in request.environ
        if request.method == "POST" and not reached and status not in logged:
            logged.add(status)  # Each once, since any request can cause this line.
            logger.error(_INTERCEPTED, status, _functions(app, names), blueprint)
        return response

    def watch() -> None:
        after_this_request(log)

    return watch


def _functions(app: Flask, names: Iterable[str | None]) -> str:
    functions = [each for name in names for each in app.before_request_funcs.get(name, ())]
    return ", ".join(
        f"{each.__module__}:{getattr(each, '__qualname__', '?')}" for each in functions
    )
