"""A reply as a response of Flask, which functions that run after the request may change.

Werkzeug checks each header of a response and copies all of them, twice. As long as the response is
what the receiver has replied, none of that is needed: 6 of the 9.5 us of a response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.datastructures import Headers

from florentin_webhooks.protocol.replies import JSON_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIEnvironment

    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["to_response"]

_JSON = [*JSON_HEADERS]
_HAS_LIST = vars(Headers(_JSON)) == {"_list": _JSON}
"""Whether headers are a list and nothing else, in this version of Werkzeug."""


class ReplyResponse(Response):
    """A response that is sent as it is unless it was changed."""

    made: tuple[str, list[tuple[str, str]], list[bytes]] | None = None
    """The status, the headers and the body of the reply."""

    def get_wsgi_response(
        self, environ: WSGIEnvironment
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return the body, the status and the headers for the server."""
        status, headers, made = self.status, self.headers.to_wsgi_list(), self.made
        is_post = environ["REQUEST_METHOD"] == "POST"
        if made is None or not is_post or (status, headers, self.response) != made:
            return super().get_wsgi_response(environ)
        body = _Body(made[2])
        body.close = self.close
        return body, status, headers


class _Body(list[bytes]):
    """The body for the server, which calls *close* at the end (PEP 3333)."""

    __slots__ = ("close",)

    close: Callable[[], None]


def to_response(reply: Reply) -> Response:
    """Return the response to a request that was answered with *reply*."""
    is_usual = reply.headers is JSON_HEADERS and bool(reply.body)
    if not is_usual or not _HAS_LIST:
        return Response(reply.body, reply.status, reply.headers)
    headers: Any = Headers()
    headers._list = [*JSON_HEADERS, ("Content-Length", str(len(reply.body)))]  # noqa: SLF001 - above.
    response = ReplyResponse([reply.body], reply.status, headers)
    response.made = response.status, headers.to_wsgi_list(), [reply.body]
    return response
