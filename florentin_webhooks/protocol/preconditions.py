"""Checks before the body is read: the method, the encoding, the declared length.

Pure, and shared by every mount: method and headers in, the outcome and its reason for the log
out.
"""

from __future__ import annotations

import re
from typing import TypeVar

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import HeaderMap, Headers, get_all

__all__ = [
    "content_length",
    "ensure_receiver",
    "path_variants",
    "reliable_content_length",
    "screen",
    "without_root",
]

HooksT = TypeVar("HooksT")

_MAX_DIGITS = 18
_UNREACHABLE = re.compile("[?#]|//.")  # Routers answer two slashes with a redirect to one.


def screen(method: str, headers: Headers, max_body: int) -> tuple[Outcome, str] | None:
    """Return why a request is refused unread, or None."""
    if method != "POST":
        return Outcome.METHOD_NOT_ALLOWED, f"{method[:16]!a} is not POST"
    headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
    if headers.unique is not None and b"content-encoding" not in headers.unique:
        # As below, for what nearly all requests have: 2 of a delivery's 35 us.
        declared = headers.unique.get(b"content-length", b"0")
        if len(declared) <= _MAX_DIGITS and declared.isdigit() and int(declared) <= max_body:
            return None
    encodings, lengths = headers.get_each("content-encoding", "content-length")
    if encodings and any(value.lower() not in ("", "identity") for value in encodings):
        # The signature covers the bytes as sent, and an unverified body is never decompressed.
        return Outcome.UNSUPPORTED_ENCODING, "the body has a Content-Encoding"
    length = _parse_length(lengths)
    if length > max_body:
        return Outcome.TOO_LARGE, f"Content-Length {length}, the limit is {max_body}"
    return None


def content_length(headers: Headers) -> int:
    """Return the Content-Length, or 0 without a valid one."""
    return _parse_length(get_all(headers, "content-length"))


def _parse_length(values: list[str]) -> int:
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        return 0
    return int(values[0].lstrip("0")[:_MAX_DIGITS] or 0)


def reliable_content_length(headers: Headers) -> int:
    """Return the Content-Length if the server must have passed on that much, else 0.

    Transfer-Encoding overrides it (RFC 9112, 6.3; h11 takes both), and httptools ends a request
    with Upgrade at its headers.
    """
    overridden = get_all(headers, "transfer-encoding") or get_all(headers, "upgrade")
    return 0 if overridden else content_length(headers)


def path_variants(path: str) -> tuple[str, str]:
    """Return *path* without and with a final slash, since senders follow no redirect.

    Raises :class:`ConfigurationError` for a path that no request can have.
    """
    if not str(path).startswith("/"):
        raise ConfigurationError(f"The path {path!r} is invalid.", "Begin it with a slash.")
    if _UNREACHABLE.search(path):
        raise ConfigurationError(
            f"No request can have the path {path!r}.", "Remove its //, or what follows ? or #."
        )
    plain = path.rstrip("/")
    return plain, f"{plain}/"


def without_root(path: str, root_path: str) -> str:
    """Return *path* without *root_path*, where its first segments are those of *root_path*."""
    root = root_path.rstrip("/")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def ensure_receiver(hooks: HooksT) -> HooksT:
    """Return *hooks*; raises :class:`ConfigurationError` unless it is, or acts as, a receiver."""
    if not hasattr(hooks, "overrides_areceive"):
        raise ConfigurationError(
            f"A mount takes a Receiver, not {type(hooks).__name__}.",
            "Pass the receiver itself, and not its module or its program.",
        )
    return hooks
