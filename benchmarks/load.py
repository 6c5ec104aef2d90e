"""Send prepared requests over keep-alive connections, as fast as responses arrive."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

from benchmarks.deliveries import PATH, raw_headers
from florentin_webhooks.testing import SignedDelivery

__all__ = ["CONNECTIONS", "request_bytes", "send_all"]

CONNECTIONS = 16

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_OUTCOME = b'"outcome":"'


def request_bytes(made: SignedDelivery) -> bytes:
    """Return *made* as an HTTP/1.1 request."""
    lines = [f"POST {PATH} HTTP/1.1".encode()]
    lines += [b"%s: %s" % pair for pair in raw_headers(made)]
    return b"\r\n".join(lines) + _END + made.body


async def send_all(port: int, requests: Sequence[bytes]) -> Counter[str]:
    """Send each request once and count the responses by status and outcome."""
    left = iter(requests)
    answers: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(min(CONNECTIONS, len(requests))):
        _, connection = await loop.create_connection(
            lambda: _Connection(left, answers), "127.0.0.1", port
        )
        connections.append(connection)
    await asyncio.gather(*(connection.done for connection in connections))
    return answers


class _Connection(asyncio.Protocol):
    """A client connection: it sends a request when the last response is complete."""

    def __init__(self, left: Iterator[bytes], answers: Counter[str]) -> None:
        self._left = left
        self._answers = answers
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_END)
        if end < 0:
            return
        start = buffer[:end].lower().index(_LENGTH) + len(_LENGTH)
        length = int(buffer[start : buffer.index(b"\r", start)])
        if len(buffer) < end + len(_END) + length:
            return
        outcome = buffer.partition(_OUTCOME)[2].partition(b'"')[0] or b"-"
        self._answers[f"{buffer[9:12].decode()} {outcome.decode()}"] += 1
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._left, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)
