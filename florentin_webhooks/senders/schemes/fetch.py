"""Fetch a small document over HTTPS, bounded in size and time, without redirects."""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Protocol
from urllib.request import HTTPRedirectHandler, build_opener

if TYPE_CHECKING:
    from http.client import HTTPResponse

__all__ = ["Fetch", "fetch_bounded", "read_bounded"]

TIMEOUT = 3.0
"""Seconds to connect, and for the whole answer."""
MAX_SIZE = 65_536
_PIECE = 8192
_now = time.monotonic


class Fetch(Protocol):
    """A function that returns the content of a URL, and raises OSError."""

    def __call__(self, url: str, /) -> bytes:
        """Return the content of *url*."""
        ...


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        """Refuse: the caller has checked one URL, not where it leads."""


def fetch_bounded(url: str) -> bytes:
    """Return the content of *url*, whose scheme and host the caller has checked.

    Raises OSError, of which HTTPError says that the server refused, and a redirect is refused too.
    """
    response: HTTPResponse
    try:
        with build_opener(_NoRedirects).open(url, timeout=TIMEOUT) as response:
            return read_bounded(response)
    except HTTPException as error:  # Not an answer of HTTP; unlike all else, not an OSError.
        raise OSError(type(error).__name__) from error


def read_bounded(response: HTTPResponse) -> bytes:
    """Return the body of *response*; raises OSError for one that is too large or too slow."""
    content, until = b"", _now() + TIMEOUT
    while piece := response.read1(_PIECE):
        content += piece
        if len(content) > MAX_SIZE or _now() > until:
            raise OSError("The answer is too large or too slow.")
    return content
