"""Hand a request on to another program: the same bytes and headers, and its reply back."""

from __future__ import annotations

from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.testing.transport import MAX_RESPONSE, connect

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ForwardedReply", "forward"]

_HOP_BY_HOP = frozenset(
    (
        *("connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate"),
        *("proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"),
        "upgrade",
    )
)
"""Headers of one connection (RFC 9110, 7.6.1), and those that each connection writes itself."""


class ForwardedReply(NamedTuple):
    """The reply of the other program, with its headers as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def forward(
    url: str, headers: Iterable[tuple[str, str]], body: bytes, *, timeout: float
) -> ForwardedReply:
    """Send *body* with *headers* to *url*, and return the reply, of any status.

    Raises OSError without a reply; each step waits *timeout* seconds at most.
    """
    connection, path = connect(url, timeout)
    try:
        connection.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in _passing(headers):
            connection.putheader(name, value.encode("latin-1"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read(MAX_RESPONSE)
    except HTTPException as error:
        message = f"The reply is not HTTP: {type(error).__name__}."
        raise ConnectionError(message) from error
    finally:
        connection.close()
    return ForwardedReply(answer.status, tuple(_passing(answer.getheaders())), content)


def _passing(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP)
