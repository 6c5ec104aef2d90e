"""Put any bytes on a TCP connection and read what comes back; an HTTP client would refuse to."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import NamedTuple, Self

from tests.support.vectors import Request

__all__ = ["Answer", "Connection", "ask", "raw"]


class Answer(NamedTuple):
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def outcome(self) -> str:
        """What the receiver says became of the request; empty where it is not the receiver's."""
        try:
            told = json.loads(self.body)
            return str(told["data"]["outcome"] if "data" in told else told["error"]["code"])
        except (ValueError, KeyError, TypeError):
            return ""


class Connection:
    """A connection to a port of this machine, without any idea of HTTP when it sends."""

    def __init__(self, port: int, *, timeout: float = 10) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> bool:
        """Send *data*; False where the other side has hung up, which it may."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def end(self) -> None:
        """Say that nothing more will be sent."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer | None:
        """The next response; None where the other side hangs up instead. Fails after *timeout*."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *fields = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}
        if status == 100:
            return self.answer()
        return Answer(status, headers, self._content(headers))

    def told_to_go_on(self) -> bool:
        """Whether the other side says 100 Continue, as it does once the program reads."""
        head = self._until(b"\r\n\r\n")
        return head is not None and b" 100 " in head

    def arrives(self, piece: bytes) -> bool:
        """Whether *piece* comes, wherever it stands in what comes."""
        while piece not in self._read:
            if not self._more():
                return False
        return True

    def closed(self) -> bool:
        """Whether the other side hangs up without another byte."""
        return not self._read and not self._more()

    def _content(self, headers: dict[str, str]) -> bytes:
        if "content-length" not in headers and headers.get("connection") == "close":
            while self._more():
                pass
            content, self._read = self._read, b""
            return content
        size = int(headers.get("content-length", 0))
        while len(self._read) < size and self._more():
            pass
        content, self._read = self._read[:size], self._read[size:]
        return content

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._read:
            if not self._more():
                return None
        found, _, self._read = self._read.partition(mark)
        return found

    def _more(self) -> bool:
        try:
            chunk = self._socket.recv(65_536)
        except ConnectionResetError:
            return False
        self._read += chunk
        return bool(chunk)


def raw(request: Request, path: str, *, length: bool = True) -> bytes:
    """The bytes of *request*, exactly as it stands: nothing is checked, folded or added."""
    if request.raw is not None:
        return request.raw.replace(b"/webhooks/florentin", path.encode(), 1)
    lines = [f"{request.method} {path} HTTP/1.1".encode("latin-1"), b"Host: localhost"]
    lines += [name + b": " + value for name, value in request.headers]
    if length:
        lines.append(b"Content-Length: %d" % len(request.body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.body


def ask(port: int, request: Request, path: str) -> Answer | None:
    """Send *request* on a connection of its own and give the answer."""
    with Connection(port) as connection:
        connection.send(raw(request, path))
        return connection.answer()
