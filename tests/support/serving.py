"""Run a program under a real server, in a process of its own that ends with this one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.http import Connection

__all__ = ["ASGI_SERVERS", "SERVERS", "WSGI_SERVERS", "served"]

ROOT = Path(__file__).parents[2]
GUNICORN_SETTINGS = f"python:{__name__.rpartition('.')[0]}.gunicorn_settings"


def _uvicorn(reader: str) -> Callable[[str, int], list[str]]:
    return lambda app, fd: [
        "uvicorn",
        "--fd",
        str(fd),
        "--http",
        reader,
        "--log-level",
        "debug",
        app,
    ]


def _gunicorn(*kind: str) -> Callable[[str, int], list[str]]:
    words = ["gunicorn", "--config", GUNICORN_SETTINGS, "--worker-class", *kind]
    return lambda app, fd: [*words, "--bind", f"fd://{fd}", app]


ASGI_SERVERS = {
    "uvicorn h11": _uvicorn("h11"),
    "uvicorn httptools": _uvicorn("httptools"),
}
WSGI_SERVERS = {
    "gunicorn sync": _gunicorn("sync"),
    "gunicorn gthread": _gunicorn("gthread", "--threads", "2"),
}
DEVELOPMENT_SERVERS = {
    "werkzeug": lambda app, fd: ["tests.support.development_server", str(fd), app],
}
SERVERS: Mapping[str, Callable[[str, int], list[str]]] = (
    ASGI_SERVERS | WSGI_SERVERS | DEVELOPMENT_SERVERS
)


@contextmanager
def served(
    server: str,
    app: str,
    log: Path,
    *,
    directory: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Serve *app*, written ``module:name``, and give the port; all that is written goes to *log*.

    The socket is open from the start, so that the first request waits until the server is up.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", *SERVERS[server](app, listening.fileno())],
            cwd=directory,
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
            process.communicate(timeout=30)


def _assert_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    with Connection(port, timeout=30) as connection:
        connection.send(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = connection.answer()
    assert answer is not None, log.read_text(errors="replace")
    assert process.poll() is None, log.read_text(errors="replace")
