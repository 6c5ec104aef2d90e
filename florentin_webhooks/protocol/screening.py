"""Decide what needs no body to be read: the method, the encoding, the declared length.

Pure, and shared by every mount: what a server says about a request goes in, the outcome and its
reason for the log come out.
"""

from __future__ import annotations

import re

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import Headers, get_all, get_each

__all__ = ["content_length", "path_variants", "reliable_content_length", "screen"]

_MAX_DIGITS = 18
_NEVER_ASKED = re.compile("[?#]|//.")  # Routers answer two slashes with a redirect to one.


def screen(method: str, headers: Headers, max_body: int) -> tuple[Outcome, str] | None:
    """Give why a request is refused unread, or None."""
    if method != "POST":
        return Outcome.METHOD_NOT_ALLOWED, f"{method[:16]!a} is not POST"
    encodings, lengths = get_each(headers, "content-encoding", "content-length")
    if [value for value in encodings if value.lower() not in ("", "identity")]:
        # The signature covers the bytes as sent, and nobody unpacks what a stranger packed.
        return Outcome.UNSUPPORTED_ENCODING, "the body has a Content-Encoding"
    length = _parse_length(lengths)
    if length > max_body:
        return Outcome.TOO_LARGE, f"Content-Length {length}, the limit is {max_body}"
    return None


def content_length(headers: Headers) -> int:
    """Give the Content-Length, and 0 where there is none that is a number."""
    return _parse_length(get_all(headers, "content-length"))


def _parse_length(values: list[str]) -> int:
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        return 0
    return int(values[0].lstrip("0")[:_MAX_DIGITS] or 0)


def reliable_content_length(headers: Headers) -> int:
    """Give the Content-Length that a server must have handed on, and 0 where a sender can undo it.

    Transfer-Encoding overrides it (RFC 9112, 6.3; h11 takes both), and httptools ends a request
    with Upgrade at its headers.
    """
    undone = get_all(headers, "transfer-encoding") or get_all(headers, "upgrade")
    return 0 if undone else content_length(headers)


def path_variants(path: str) -> tuple[str, str]:
    """Give *path* without and with a slash at its end: senders follow no redirect between them.

    Raises :class:`ConfigurationError` for a path at which nothing would arrive.
    """
    if not path.startswith("/"):
        message = f"the path {path!r} must begin with a slash"
        raise ConfigurationError(message)
    if _NEVER_ASKED.search(path):
        message = f"no request arrives at the path {path!r}: remove its // or what follows ? or #"
        raise ConfigurationError(message)
    plain = path.rstrip("/")
    return plain, f"{plain}/"
