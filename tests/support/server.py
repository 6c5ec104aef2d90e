"""Run a program under uvicorn: ``tests.support.program`` in a process, any other in a thread."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from tests.support.http import Answer, Connection, ask, raw
from tests.support.vectors import CANONICAL, SECRET, Request, delivery, sign
from tests.support.waiting import eventually

__all__ = ["Place", "Server", "serving", "under_uvicorn"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Place:
    """One receiver on the server, at a path of its own."""

    server: Server
    mount: str
    name: str
    offset: int = 0

    @property
    def path(self) -> str:
        """Where deliveries to it go."""
        return f"/{self.mount}/{self.name}/{self.offset}"

    def ask(self, request: Request) -> Answer:
        """The answer to *request*."""
        answer = ask(self.server.port, request, self.path)
        assert answer is not None, "the server hung up without an answer"
        return answer

    def raw(self, request: Request, *, length: bool = True) -> bytes:
        """The bytes of *request* to this receiver."""
        return raw(request, self.path, length=length)

    def told(self, data: bytes) -> Answer | None:
        """The answer to exactly these bytes, on a connection of their own."""
        with self.server.connect() as connection:
            connection.send(data)
            return connection.answer()

    def chunked(self, *pieces: bytes, request: Request | None = None) -> bytes:
        """A delivery whose body comes in chunks and without a length."""
        given = delivery() if request is None else request
        head = self.raw(given.with_headers(("Transfer-Encoding", "chunked")), length=False)
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        return head.removesuffix(given.body) + chunks + b"0\r\n\r\n"

    def seen(self) -> list[str | None]:
        """The delivery ids that its handler got, one for each run."""
        return [*json.loads(self.server.get(f"/seen/{self.name}"))]


class Server:
    """A running program, the receivers in it, and what it wrote since this test began."""

    def __init__(self, port: int, reader: str, log: Path) -> None:
        self.port = port
        self.reader = reader
        self._log = log
        self._start = 0
        self._names = count()

    def place(self, mount: str = "app", *, offset: int = 0) -> Place:
        """A receiver that nobody has used, mounted in this way."""
        return Place(self, mount, f"r{next(self._names)}", offset)

    def connect(self, *, timeout: float = 10) -> Connection:
        """A connection to the server."""
        return Connection(self.port, timeout=timeout)

    def get(self, path: str) -> bytes:
        """What the program says at *path*."""
        answer = ask(self.port, Request((), b"", "GET"), path)
        assert answer is not None
        return answer.body

    def memory(self) -> int:
        """The most memory that the program has had, in bytes."""
        return int(self.get("/memory"))

    def mark(self) -> None:
        """Begin a test: what was written before is no longer told."""
        self._start = self._log.stat().st_size

    def output(self) -> str:
        """Everything that the program has written since."""
        with self._log.open("rb") as log:
            log.seek(self._start)
            return log.read().decode("utf-8", "backslashreplace")

    def lines(self, logger: str = "florentin_webhooks") -> list[str]:
        """What *logger* has written since, line by line."""
        return [line for line in self.output().splitlines() if f" {logger} " in line]

    def assert_unharmed(self) -> None:
        """No traceback, no secret, signature or body in the output, and it goes on serving."""
        output = self.output()
        assert "Traceback" not in output
        for word in (SECRET, sign(CANONICAL)[7:], "inv_1", "F-0001"):
            assert word not in output
        place = self.place()
        assert place.ask(delivery()).outcome == "processed"
        assert len(place.seen()) == 1


@contextmanager
def serving(reader: str, folder: Path) -> Iterator[Server]:
    """A server whose HTTP is read by *reader*: ``h11`` or ``httptools``."""
    log = folder / f"{reader}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.program", reader],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
        )
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()), reader, log)
        finally:
            process.communicate(timeout=30)


@contextmanager
def under_uvicorn(
    app: ASGIApp, reader: str = "h11", lifespan: Literal["on", "off", "auto"] = "auto"
) -> Iterator[int]:
    """Serve *app* in a thread and give its port."""
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
        thread.join(timeout=20)
