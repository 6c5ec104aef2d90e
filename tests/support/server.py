"""Real servers: each in a process of its own, or uvicorn in a thread of this one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.http import Answer, Connection, ask, raw
from tests.support.vectors import CANONICAL, SECRET, Request, delivery, sign
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]

# Standard input ends with the process that started the server, in every case.
_END_WITH_PARENT = """
import os, runpy, signal, sys, threading
def leave():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=leave, daemon=True).start()
del sys.argv[0]
"""
_RUN_MODULE = f"{_END_WITH_PARENT}runpy.run_module(sys.argv[0], None, '__main__', True)"
# `flask run` cannot serve an open socket.
_RUN_WERKZEUG = f"""{_END_WITH_PARENT}
from werkzeug.serving import make_server
from werkzeug.utils import import_string
app = import_string(sys.argv[1])
make_server("127.0.0.1", 0, app, threaded=True, fd=int(sys.argv[0])).serve_forever()
"""

Command = Callable[[str, int], list[str]]
"""The arguments of Python that serve ``module:name``, or ``module:factory()``, on a socket."""


def _uvicorn(reader: str) -> Command:
    # With wsproto, which a tool brings along, it answers WebSocket upgrades itself.
    words = [_RUN_MODULE, "uvicorn", "--http", reader, "--ws", "none", "--log-level", "debug"]
    words += ["--fd"]
    return lambda app, fd: [*words, str(fd), *(["--factory"] * app.endswith("()")), app.strip("()")]


def _gunicorn(*kind: str) -> Command:
    words = [_RUN_MODULE, "gunicorn", "--workers", "1", "--worker-class", *kind]
    words += ["--limit-request-fields", "1000", "--access-logfile", "-", "--no-control-socket"]
    return lambda app, fd: [*words, "--bind", f"fd://{fd}", app]


ASGI_SERVERS: Mapping[str, Command] = {
    "uvicorn h11": _uvicorn("h11"),
    "uvicorn httptools": _uvicorn("httptools"),
}
WSGI_SERVERS: Mapping[str, Command] = {
    "gunicorn sync": _gunicorn("sync"),
    "gunicorn gthread": _gunicorn("gthread", "--threads", "2"),
}
DEVELOPMENT_SERVERS: Mapping[str, Command] = {
    "werkzeug": lambda app, fd: [_RUN_WERKZEUG, str(fd), app],
}
GREEN_SERVERS: Mapping[str, Command] = {"gunicorn gevent": _gunicorn("gevent")}
_SERVERS = {**ASGI_SERVERS, **WSGI_SERVERS, **GREEN_SERVERS, **DEVELOPMENT_SERVERS}


@contextmanager
def served(
    server: str, app: str, log: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Serve *app*, yield the port, and write all output to *log*.

    The socket is open from the start, so that the first request waits until the server is up.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-c", *_SERVERS[server](app, listening.fileno())],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            pass_fds=[listening.fileno()],
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            port = int(listening.getsockname()[1])
            _assert_up(port, process, log)
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _assert_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    with Connection(port) as connection:
        connection.send(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = connection.answer()
    assert answer is not None, log.read_text(errors="replace")
    assert process.poll() is None, log.read_text(errors="replace")


@dataclass(frozen=True)
class Place:
    """One receiver on the server, at a path of its own."""

    server: Server
    mount: str
    name: str
    offset: int = 0

    @property
    def path(self) -> str:
        return f"/{self.mount}/{self.name}/{self.offset}"

    def ask(self, request: Request) -> Answer:
        answer = ask(self.server.port, request, self.path)
        assert answer is not None, "the server hung up without an answer"
        return answer

    def raw(self, request: Request, *, length: bool = True) -> bytes:
        """Return the bytes of *request* to this receiver."""
        return raw(request, self.path, length=length)

    def send(self, data: bytes) -> Answer | None:
        """Return the answer to exactly these bytes, on a connection of their own."""
        with self.server.connect() as connection:
            connection.send(data)
            return connection.answer()

    def chunked(self, *pieces: bytes, request: Request | None = None) -> bytes:
        """Return a delivery whose body comes in chunks and without a length."""
        given = delivery() if request is None else request
        head = self.raw(given.with_headers(("Transfer-Encoding", "chunked")), length=False)
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        return head.removesuffix(given.body) + chunks + b"0\r\n\r\n"

    def seen(self) -> list[str | None]:
        """Return the delivery ids that its handler got, one for each run."""
        return [*json.loads(self.server.get(f"/seen/{self.name}"))]


class Server:
    """A running program, the receivers in it, and its output since this test began."""

    def __init__(self, port: int, reader: str, log: Path) -> None:
        self.port = port
        self.reader = reader
        self._log = log
        self._start = 0
        self._names = count()

    def place(self, mount: str = "app", *, offset: int = 0) -> Place:
        return Place(self, mount, f"r{next(self._names)}", offset)

    def connect(self) -> Connection:
        return Connection(self.port)

    def get(self, path: str) -> bytes:
        """Return the body that the program answers at *path*."""
        answer = ask(self.port, Request((), b"", "GET"), path)
        assert answer is not None
        return answer.body

    def memory(self) -> int:
        """Return the peak memory of the program in bytes."""
        return int(self.get("/memory"))

    def mark(self) -> None:
        """Begin a test: earlier output no longer counts."""
        self._start = self._log.stat().st_size

    def output(self) -> str:
        """Return everything that the program has written since then."""
        with self._log.open("rb") as log:
            log.seek(self._start)
            return log.read().decode("utf-8", "backslashreplace")

    def lines(self, logger: str = "florentin_webhooks") -> list[str]:
        """Return the lines that *logger* has written since then."""
        return [line for line in self.output().splitlines() if f" {logger} " in line]

    def assert_unharmed(self) -> None:
        """Check that nothing private was written, and that the server still serves."""
        output = self.output()
        assert "Traceback" not in output
        for word in (SECRET, sign(CANONICAL)[7:], "inv_1", "F-0001"):
            assert word not in output
        place = self.place()
        assert place.ask(delivery()).outcome == "processed"
        assert len(place.seen()) == 1


@contextmanager
def under_uvicorn(
    app: ASGIApp, reader: str = "h11", lifespan: Literal["on", "off", "auto"] = "auto"
) -> Iterator[int]:
    """Serve *app* in a thread and yield its port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http=reader, lifespan=lifespan, log_config=None, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started or not thread.is_alive())
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=60)


class Switchboard:
    """One server for many programs in turn; the last one connected answers at *port*."""

    def __init__(self) -> None:
        self.port = 0
        self._app: ASGIApp | None = None

    def connect(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None, "no program is connected"
        await self._app(scope, receive, send)

    def ask(self, path: str, request: Request | None = None) -> Answer:
        answer = ask(self.port, delivery() if request is None else request, path)
        assert answer is not None, "the server hung up without an answer"
        return answer
