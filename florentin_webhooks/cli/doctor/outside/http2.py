"""One request over HTTP/2, whose body needs no length, to a server that offers it under TLS."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.outside.exchange import LONGEST, Exchange
from florentin_webhooks.testing.transport import connect, read_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2.connection import H2Connection

__all__ = ["exchange_http2", "has_http2", "offers_http2"]

_MOST_READ = 65_536
_STREAM = 1
"""The first request of a connection, which is its only one."""


def has_http2() -> bool:
    """Return whether h2, an extra, is installed."""
    return find_spec("h2") is not None


def offers_http2(url: str, context: ssl.SSLContext | None = None, longest: float = LONGEST) -> bool:
    """Return whether the server of *url* would speak HTTP/2; False where it does not answer."""
    if not url.startswith("https:"):
        return False  # Without TLS, no sender tries.
    try:
        with _open(url, context, longest) as connection:
            return connection.selected_alpn_protocol() == "h2"
    except OSError:
        return False


def exchange_http2(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    context: ssl.SSLContext | None = None,
    longest: float = LONGEST,
) -> Exchange:
    """Send a small *body* over HTTP/2 without a length, and return what came back.

    *context* has the certificates to trust. Needs h2.
    """
    from h2.connection import H2Connection  # noqa: PLC0415 - an extra.
    from h2.exceptions import ProtocolError  # noqa: PLC0415 - the same.

    _, path = connect(url, longest)
    place = url.split("/", 3)[2]
    pseudo = {":method": "POST", ":scheme": "https", ":authority": place, ":path": path}
    named = {name.lower(): value for name, value in headers.items()}
    speaker = H2Connection()
    try:
        with _open(url, context, longest) as connection:
            speaker.initiate_connection()
            speaker.send_headers(_STREAM, [*pseudo.items(), *named.items()])
            speaker.send_data(_STREAM, body, end_stream=True)
            return _read(connection, speaker, url, time.monotonic() + longest)
    except ProtocolError:
        return Exchange(url, error="not-http")
    except OSError as error:
        kind = "timeout" if isinstance(error, TimeoutError) else "closed"
        return Exchange(url, error=kind)


def _open(url: str, context: ssl.SSLContext | None, longest: float) -> ssl.SSLSocket:
    found, _ = connect(url, longest)
    trusting = context or ssl.create_default_context()
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection((found.host, found.port), timeout=longest)
    try:
        return trusting.wrap_socket(plain, server_hostname=found.host)
    except BaseException:
        plain.close()
        raise


@dataclass(slots=True)
class _Answer:
    """The parts of a response that have arrived."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""
    has_ended: bool = False


def _read(connection: ssl.SSLSocket, speaker: H2Connection, url: str, deadline: float) -> Exchange:
    answer = _Answer()
    while not answer.has_ended and len(answer.content) < _MOST_READ:
        connection.sendall(speaker.data_to_send())
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        if not (received := connection.recv(_MOST_READ)) or time.monotonic() > deadline:
            break
        for event in speaker.receive_data(received):
            _add(answer, event)
    status = int(answer.headers.get(":status", "0"))
    error = "" if status else "closed"
    text = answer.content.decode("utf-8", "replace")
    return Exchange(url, status, read_outcome(answer.content), answer.headers, text, error=error)


def _add(answer: _Answer, event: object) -> None:
    """Add what *event* of h2 has to *answer*."""
    from h2 import events  # noqa: PLC0415 - an extra.

    if isinstance(event, events.ResponseReceived):
        answer.headers |= {name.decode(): value.decode("latin-1") for name, value in event.headers}
    elif isinstance(event, events.DataReceived):
        answer.content += event.data
    elif isinstance(event, events.StreamEnded | events.StreamReset | events.ConnectionTerminated):
        answer.has_ended = True
