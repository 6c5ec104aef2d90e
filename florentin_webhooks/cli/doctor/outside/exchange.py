"""One request to a URL and what came back: no redirect is followed, every wait is bounded."""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from socket import SHUT_RDWR, gaierror
from threading import Timer
from typing import TYPE_CHECKING

from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing.transport import connect, read_outcome

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from http.client import HTTPResponse

__all__ = ["LONGEST", "Exchange", "exchange"]

LONGEST = 20.0
"""The seconds after which a request is given up, twice what a sender is known to wait."""
_MOST_READ = 65_536
_WRONG_SIGNATURE = frozenset({Outcome.INVALID_SIGNATURE.value})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to *url*: its *status* and what else was answered, or an *error* with its *detail*.

    *headers* have lower-case names. *began* is the time of this machine's clock at which the
    request was sent, and *seconds* is how long it took.
    """

    url: str
    status: int = 0
    outcome: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    began: float = 0
    seconds: float = 0
    error: str = ""
    detail: str = ""

    @property
    def has_wrong_signature(self) -> bool:
        """Whether a receiver answered that the signature is not valid."""
        return self.outcome in _WRONG_SIGNATURE


def exchange(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    chunked: bool = False,
    longest: float = LONGEST,
) -> Exchange:
    """Send *body* and return what came back, also without an answer.

    *chunked*: in chunks, without a length. Raises :class:`ConfigurationError` for an invalid URL.
    """
    connection, path = connect(url, longest)
    began, started = time.time(), time.monotonic()
    with _limited(connection, longest):
        try:
            found = _read(url, _request(connection, path, headers, body, chunked=chunked))
        except (OSError, HTTPException) as error:
            kind, detail = _failure(error)
            found = Exchange(url, error=kind, detail=detail)
    seconds = time.monotonic() - started
    if seconds >= longest:  # What was read until then looks like an answer that has ended.
        found = Exchange(url, error="timeout")
    return replace(found, began=began, seconds=seconds)


@contextmanager
def _limited(connection: HTTPConnection, longest: float) -> Generator[None]:
    """Hang up after *longest* seconds, since a slow server can make each single wait short."""
    timer = Timer(longest, _hang_up, [connection])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        connection.close()


def _read(url: str, answer: HTTPResponse) -> Exchange:
    content = answer.read(_MOST_READ)
    headers = {name.lower(): value for name, value in answer.getheaders()}
    text = content.decode("utf-8", "replace")
    return Exchange(url, answer.status, read_outcome(content), headers, text)


def _request(
    connection: HTTPConnection, path: str, headers: Mapping[str, str], body: bytes, *, chunked: bool
) -> HTTPResponse:
    pieces = iter([body]) if chunked else body
    framing = {"Transfer-Encoding": "chunked"} if chunked else {}
    # A proxy that refuses a large body answers and hangs up before it has read it.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", path, pieces, {**headers, **framing}, encode_chunked=chunked)
    return connection.getresponse()


def _hang_up(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(SHUT_RDWR)


def _failure(error: Exception) -> tuple[str, str]:
    """Return the kind of a failure, and what is known of it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate", error.verify_message
    kinds: dict[type[Exception], str] = {
        ssl.SSLError: "tls",
        gaierror: "address",
        TimeoutError: "timeout",
        ConnectionRefusedError: "refused",
        RemoteDisconnected: "closed",
        HTTPException: "not-http",
        ConnectionResetError: "closed",
    }
    kind = next((name for each, name in kinds.items() if isinstance(error, each)), "unreachable")
    return kind, getattr(error, "reason", None) or getattr(error, "strerror", None) or ""
