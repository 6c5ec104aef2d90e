"""Receive a delivery from a WSGI environment, for the mounts of blocking frameworks.

Reads bytes, bounded in size, and returns the receiver's reply; decides nothing. The server must
limit the time of a body (PEP 3333 has no way to do so), also for a sender that never ends.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from florentin_webhooks.protocol.body import consumed_body, incomplete_body, lost_chunked_body
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import HeaderMap, get_all
from florentin_webhooks.protocol.preconditions import content_length, reliable_content_length
from florentin_webhooks.protocol.request_url import wsgi_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["EnvironFields", "answer"]

_CHUNK = 65_536
_MAX_DIGITS = 18


class EnvironFields(HeaderMap):
    """The headers of a WSGI environment, by the names that they had on the wire.

    The server has joined repeated headers.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, object]) -> None:
        self._environ = environ
        self.unique = None

    def __getitem__(self, name: bytes) -> bytes:
        """Return the bytes of *name*, in lower case, for the quick check of a signature.

        Raises KeyError without a value, and UnicodeEncodeError for text that no server passes on.
        """
        value: Any = self._environ[_KEYS.get(name) or _remember(name)]
        if not value:  # It may mean that the header is missing (PEP 3333).
            raise KeyError(name)
        encoded: bytes = value.encode("latin-1")
        return encoded

    def get_all(self, name: str) -> list[str]:
        """Return the value of *name*, which is in lower case, if there is one."""
        value = self._environ.get(_key(name))
        # An empty value may mean that the header is missing (PEP 3333).
        return [str(value).strip(" \t")] if value else []

    def find(self, names: Iterable[bytes]) -> list[str | None]:
        """Return the value of each of *names*, in lower case, None where it is missing."""
        environ = self._environ
        found: list[str | None] = []
        for name in names:
            value = environ.get(_KEYS.get(name) or _remember(name))
            found.append(str(value).strip(" \t") if value else None)
        return found

    def get_each(self, *names: str) -> list[list[str]]:
        """Return the value of each of *names*, which are in lower case."""
        found: list[list[str]] = []
        for name in names:
            value = self._environ.get(_key(name))
            found.append([str(value).strip(" \t")] if value else [])
        return found


_KEYS: dict[bytes, str] = {}
"""The keys of headers; few, since the package looks up those of its senders."""


def _remember(name: bytes) -> str:
    return _KEYS.setdefault(name, _key(name.decode()))


@cache
def _key(name: str) -> str:
    """Return the key of a header; cached, since the package looks up few names."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def answer(
    receiver: Receiver[object],
    environ: Mapping[str, object],
    *,
    kept: bytes | None = None,
    consumed: bool = False,
    url: str | None = None,
    path_params: Mapping[str, object] | None = None,
) -> Reply:
    """Return the reply to the request that *environ* (PEP 3333) describes.

    *kept* is the body where the framework has read and kept it. *consumed*: the surrounding program
    has read from the stream, so that a short body is its fault and not the sender's. *url* is the
    one that the sender called, where *environ* does not have it, *path_params* what its path has.
    """
    headers = EnvironFields(environ)
    declared = _plain_length(environ, receiver.max_body)
    if declared is None:
        if refused := receiver.screen(str(environ["REQUEST_METHOD"]), headers):
            return refused
        declared = content_length(headers)
    if url is None and receiver.reads_request:
        url = wsgi_url(environ)
    receive = receiver.receive if receiver.overrides_receive else receiver.receive_blocking
    if kept is not None:
        return receive(headers, kept, url, path_params)
    try:
        body = _read(environ, declared, receiver.max_body)
    except Exception as error:  # noqa: BLE001 - each server has errors of its own for broken bodies.
        reason = f"the body ended early: {type(error).__name__}"
        return receiver.reject(Outcome.READ_TIMEOUT, reason)
    short = _short(headers, len(body), consumed) if consumed or len(body) < declared else None
    if not (body or short or environ.get("wsgi.input_terminated")):
        short = _lost(headers, str(environ.get("SERVER_SOFTWARE", "")))
    if short:
        return receiver.reject(*short)
    return receive(headers, body, url, path_params)


def _plain_length(environ: Mapping[str, object], limit: int) -> int | None:
    """Return the length of a body that no check refuses, None where they must be made.

    Nearly all requests are so, and the checks take 4 us.
    """
    length = environ.get("CONTENT_LENGTH")
    if environ["REQUEST_METHOD"] != "POST" or environ.get("HTTP_CONTENT_ENCODING"):
        return None
    if type(length) is not str or len(length) > _MAX_DIGITS:
        return None
    if not (length.isascii() and length.isdigit()):
        return None
    declared = int(length)
    return declared if declared <= limit else None


def _read(environ: Mapping[str, object], declared: int, limit: int) -> bytes:
    """Read the body, at most one byte more than *limit*, which the receiver rejects."""
    stream: Any = environ["wsgi.input"]
    # Without a length, only a server with this flag ends the stream; others would wait forever.
    # HTTP/2 needs neither a length nor a Transfer-Encoding.
    unknown = environ.get("HTTP_TRANSFER_ENCODING") or not environ.get("CONTENT_LENGTH")
    remaining = limit + 1 if unknown and environ.get("wsgi.input_terminated") else declared
    chunks: list[bytes] = []
    while remaining > 0 and (chunk := stream.read(min(remaining, _CHUNK))):
        chunks.append(chunk)
        remaining -= len(chunk)
    return b"".join(chunks)


def _short(headers: HeaderMap, size: int, consumed: bool) -> tuple[Outcome, str] | None:
    """Return why a body of *size* bytes is incomplete, or None where it may be complete."""
    promised = reliable_content_length(headers)
    if consumed and (size < promised or (not size and get_all(headers, "transfer-encoding"))):
        return Outcome.BODY_UNAVAILABLE, consumed_body(promised, size)
    if size < promised:
        return Outcome.READ_TIMEOUT, incomplete_body(promised, size)
    return None


def _lost(headers: HeaderMap, software: str) -> tuple[Outcome, str] | None:
    # A sender can cause it, so it looks like any wrong signature from outside.
    reason = lost_chunked_body(headers, software)
    return (Outcome.INVALID_SIGNATURE, reason) if reason else None
