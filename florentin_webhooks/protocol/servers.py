"""Facts about servers, as measured in November 2026; docs/servers.md has the same table.

The log names a server by them where a body did not reach the program.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["SERVERS", "BodyLoss", "RootPath", "Server", "server_without_body"]


class BodyLoss(StrEnum):
    """The requests whose body a server does not pass on."""

    NONE = "none"
    CHUNKED = "chunked"
    UPGRADE = "with Upgrade"


class RootPath(StrEnum):
    """The place of the root path in a request's scope."""

    IN_FRONT = "in front of the path"
    BESIDE = "beside the path"
    SCRIPT_NAME = "SCRIPT_NAME"


class Server(NamedTuple):
    """A server, the *module* that is loaded where it runs, and what it does to a request."""

    name: str
    version: str
    module: str
    lost_bodies: BodyLoss
    root_path: RootPath
    cancels: str = "no"
    """Whether a handler is cancelled when the sender hangs up."""


SERVERS = (
    Server("uvicorn, h11", "0.54.0", "uvicorn", BodyLoss.NONE, RootPath.IN_FRONT),
    Server(
        "uvicorn, httptools",
        "0.54.0",
        "uvicorn.protocols.http.httptools_impl",
        BodyLoss.UPGRADE,
        RootPath.IN_FRONT,
    ),
    Server("gunicorn, asgi", "27.0.1", "", BodyLoss.NONE, RootPath.BESIDE, "after 3 s"),
    Server("hypercorn, ASGI", "0.18.0", "", BodyLoss.NONE, RootPath.BESIDE),
    Server("daphne", "4.2.3", "daphne", BodyLoss.NONE, RootPath.BESIDE),
    Server("granian, ASGI", "2.8.9", "", BodyLoss.NONE, RootPath.BESIDE),
    Server("gunicorn, WSGI", "27.0.1", "", BodyLoss.NONE, RootPath.SCRIPT_NAME),
    Server("granian, WSGI", "2.8.9", "", BodyLoss.NONE, RootPath.SCRIPT_NAME),
    Server("waitress", "3.0.2", "waitress", BodyLoss.NONE, RootPath.SCRIPT_NAME),
    Server("cheroot", "11.1.2", "cheroot", BodyLoss.NONE, RootPath.SCRIPT_NAME),
    Server("a2wsgi", "1.10.10", "a2wsgi.wsgi", BodyLoss.CHUNKED, RootPath.SCRIPT_NAME),
    Server("asgiref", "3.13.0", "asgiref.wsgi", BodyLoss.CHUNKED, RootPath.SCRIPT_NAME),
    Server("hypercorn, WSGI", "0.18.0", "hypercorn", BodyLoss.CHUNKED, RootPath.SCRIPT_NAME),
    Server("pyuwsgi", "2.0.30.post1", "uwsgi", BodyLoss.CHUNKED, RootPath.SCRIPT_NAME),
)


def server_without_body(loss: BodyLoss, loaded: Container[str]) -> str:
    """Return the name of the server that loses such bodies, from the *loaded* modules."""
    known = (each.name for each in SERVERS if each.lost_bodies is loss and each.module in loaded)
    return next(known, "the server")
