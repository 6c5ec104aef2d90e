"""A proxy between a store and its server that fails as networks do.

kill -9 does not replace it: only here can a command run and its answer be lost.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from multiprocessing.connection import wait as wait_for
from typing import Self
from urllib.parse import unquote, urlsplit

_CHUNK = 1 << 22
_RESET = struct.pack("ii", 1, 0)
"""The linger by which a socket that is closed sends RST in place of FIN."""


class Cut(StrEnum):
    """How connections fail whose proxy is there, and the server behind it is not."""

    RESET = "reset"
    """Accepted, and reset."""
    CLOSED = "closed"
    """Accepted, and closed."""
    MUTE = "mute"
    """Accepted, and never answered; no request arrives."""
    HALF = "half"
    """Requests arrive, and answers stop in the middle."""


class Proxy:
    """A proxy before the unix socket of *upstream* that can delay, lose and refuse.

    *latency* delays each answer, in seconds; with *drips* it arrives byte by byte. *turns* counts
    round trips: how often a client spoke after it had been answered, or for the first time.
    """

    def __init__(self, upstream: str, *, latency: float = 0) -> None:
        self.latency = latency
        self.drips = False
        self.turns = 0
        self.lost = 0
        self._upstream = unquote(urlsplit(upstream).path)
        self._to_lose: list[tuple[bytes, bool]] = []
        self._refused: tuple[bytes, bytes] | None = None
        self._cut: Cut | None = None
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}"
        self._requests: deque[bytes] = deque(maxlen=100)
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def lose_answer(self, to: bytes, *, silently: bool = False) -> None:
        """Forward the next request that holds *to*, and drop its answer.

        The connection is cut afterwards, or with *silently* kept, so that the client waits.
        """
        self._to_lose.append((to, silently))

    def refuse(self, what: bytes, error: str) -> None:
        """Answer each command that holds *what* with *error*, without running it."""
        self._refused = (what, f"-{error}\r\n".encode())

    @contextmanager
    def cutting(self, cut: Cut) -> Generator[None]:
        """Have all connections fail as *cut* does, the open ones as well.

        One that is silent stays so afterwards: only its client can end it.
        """
        self._cut = cut
        if cut in (Cut.RESET, Cut.CLOSED):
            for each in list(self._sockets):
                if each.family == socket.AF_UNIX:  # Its client's ends as that of a new connection.
                    _shut(each)
        try:
            yield
        finally:
            self._cut = None

    def redirect(self, path: str) -> None:
        """Lead new connections to the socket *path*; open ones stay where they are."""
        self._upstream = path

    def asked_for(self, what: bytes) -> bool:
        return any(what in request for request in list(self._requests))

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listening, *self._sockets):
            _shut(each)
        for thread in self._threads:
            thread.join(timeout=60)
        self._listening.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # any callable.
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            both = {client, server}
            self._sockets |= both
            try:
                if self._cut not in (Cut.RESET, Cut.CLOSED):
                    server.connect(self._upstream)
                    self._pump(client, server)
            except OSError:
                pass  # Either side has gone, and with it the other.
            finally:
                self._sockets -= both
                if self._cut is Cut.RESET:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        answered, late, is_silent = True, deque[tuple[float, bytes]](), False
        while True:
            wait = max(0, late[0][0] - time.monotonic()) if late else None
            readable = wait_for([client, server], wait)
            is_silent |= self._cut is Cut.MUTE
            if client in readable:
                request = client.recv(_CHUNK)
                if not request:
                    return
                self._requests.append(request)
                self.turns += answered
                answered = False
                if not is_silent and not self._handle(request, client, server):
                    return
            if server in readable:
                answer = server.recv(_CHUNK)
                if not answer:
                    return
                late.append((time.monotonic() + self.latency, answer))
            while late and late[0][0] <= time.monotonic():
                is_silent = self._answer(late.popleft()[1], client, is_silent=is_silent)
                answered = True

    def _answer(self, answer: bytes, client: socket.socket, *, is_silent: bool) -> bool:
        """Pass *answer* on, unless the connection is silent, and return whether it is now."""
        if is_silent:
            return True
        is_cut = self._cut is Cut.HALF
        passed = answer[: len(answer) // 2] if is_cut else answer
        for each in [passed[i : i + 1] for i in range(len(passed))] if self.drips else [passed]:
            client.sendall(each)
        return is_cut

    def _handle(self, request: bytes, client: socket.socket, server: socket.socket) -> bool:
        """Forward *request* or do what was asked; return whether the connection goes on."""
        if self._refused and (count := request.count(self._refused[0])):
            client.sendall(self._refused[1] * count)
            return True
        server.sendall(request)
        for reported in self._to_lose:
            if reported[0] in request:
                self._to_lose.remove(reported)
                server.recv(_CHUNK)
                self.lost += 1
                return reported[1]
        return True


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        each.close()  # It was not connected.
