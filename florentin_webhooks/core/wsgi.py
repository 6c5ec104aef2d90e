"""Answer a delivery from a WSGI environment: what the mounts of blocking frameworks share.

Reads bytes, bounded in size, and says what the receiver answers; decides nothing. How long a body
may take is the server's to bound (PEP 3333 gives no way), and so is a sender that never ends.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from florentin_webhooks.protocol.body import consumed_body, incomplete_body
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import HeaderMap, get_all
from florentin_webhooks.protocol.preconditions import content_length, reliable_content_length

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["EnvironFields", "answer"]

_CHUNK = 65_536


class EnvironFields(HeaderMap):
    """Find headers in a WSGI environment, by the names that they had on the wire.

    The server has joined those that came more than once.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, object]) -> None:
        self._environ = environ

    def get_all(self, name: str) -> list[str]:
        """Give the value of *name*, which is written in lower case, if there is one."""
        value = self._environ.get(_key(name))
        # A server may say with "" that there is no such header (PEP 3333).
        return [str(value).strip(" \t")] if value else []


@cache
def _key(name: str) -> str:
    """Give the key of a header; only names of ours are asked for, so they are few."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


def answer(
    receiver: Receiver,
    environ: Mapping[str, object],
    *,
    kept: bytes | None = None,
    consumed: bool = False,
) -> Reply:
    """Give the reply to the request that *environ* (PEP 3333) describes.

    *kept* is the body where the framework has read and kept it. *consumed* says that the program
    around us has read from the stream, which tells its fault from a sender that left.
    """
    headers = EnvironFields(environ)
    if refused := receiver.screen(str(environ["REQUEST_METHOD"]), headers):
        return refused
    if kept is not None:
        return receiver.receive(headers, kept)
    declared = content_length(headers)
    try:
        body = _read(environ, declared, receiver.max_body)
    except Exception as error:  # noqa: BLE001 - each server has errors of its own for broken bodies.
        reason = f"the body broke off: {type(error).__name__}"
        return receiver.reject(Outcome.READ_TIMEOUT, reason)
    short = _short(headers, len(body), consumed) if consumed or len(body) < declared else None
    return receiver.reject(*short) if short else receiver.receive(headers, body)


def _read(environ: Mapping[str, object], declared: int, limit: int) -> bytes:
    """Read the body, and one byte more than *limit* at most: the receiver refuses that."""
    stream = cast("_Input", environ["wsgi.input"])
    # Without a length, only a server that says so ends the stream; others would wait for ever.
    chunked = environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated")
    left = limit + 1 if chunked else declared
    chunks: list[bytes] = []
    while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _short(headers: HeaderMap, size: int, consumed: bool) -> tuple[Outcome, str] | None:
    """Give why a body of *size* bytes is not whole, or None where it may be."""
    promised = reliable_content_length(headers)
    if consumed and (size < promised or (not size and get_all(headers, "transfer-encoding"))):
        return Outcome.BODY_UNAVAILABLE, consumed_body(promised, size)
    if size < promised:
        return Outcome.READ_TIMEOUT, incomplete_body(promised, size)
    return None
