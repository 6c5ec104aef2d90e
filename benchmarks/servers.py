"""What each installed server passes on to a program: ``python -m benchmarks.servers``.

Prints the table of docs/servers.md as measured, and exits with 1 where it differs from the one in
the code. ``pip install --group servers`` installs the servers. Each is started with a root path,
and gets a genuine delivery in chunks, one with a header ``Upgrade``, a request that asks for the
root path, and a delivery whose sender hangs up while an async handler runs.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from benchmarks.deliveries import PATH, SECRET
from benchmarks.server_probe import HANG_UP, NOTES, PROBE, SLOW
from florentin_webhooks.protocol.servers import SERVERS, BodyLoss, RootPath, Server
from florentin_webhooks.testing import Provider

__all__ = ["KINDS", "Kind", "find_root_path", "is_processed", "measure", "serve"]

ROOT_PATH = "/web"
_PROGRAMS = "benchmarks.server_probe"
_DIRECTORY = Path(__file__).parents[1]
_PYUWSGI = "import pyuwsgi, sys; pyuwsgi.run(sys.argv[1:])"
_GUNICORN = ["-m", "gunicorn", "--bind={host}:{port}", "--log-level=error", "--no-control-socket"]
_GRANIAN = ["-m", "granian", "--host={host}", "--port={port}", "--url-path-prefix={root}"]
_UVICORN = ["-m", "uvicorn", "--host={host}", "--port={port}", "--root-path={root}"]
_HYPERCORN = ["-m", "hypercorn", "--bind={host}:{port}", "--root-path={root}"]


class Kind(NamedTuple):
    """The *distribution* of a server, the arguments of Python that start it, and its *program*.

    *is_prefixed*: the request keeps the root path, and the server cuts it off.
    """

    distribution: str
    words: Sequence[str]
    program: str
    is_prefixed: bool = False


KINDS = {
    "uvicorn, h11": Kind("uvicorn", [*_UVICORN, "--http=h11"], "asgi"),
    "uvicorn, httptools": Kind("uvicorn", [*_UVICORN, "--http=httptools"], "asgi"),
    "gunicorn, asgi": Kind("gunicorn", [*_GUNICORN, "-k=asgi", "--root-path={root}"], "asgi"),
    "hypercorn, ASGI": Kind("hypercorn", _HYPERCORN, "asgi"),
    "daphne": Kind(
        "daphne", ["-m", "daphne", "-b={host}", "-p={port}", "--root-path={root}"], "asgi"
    ),
    "granian, ASGI": Kind("granian", [*_GRANIAN, "--interface=asgi"], "asgi"),
    "gunicorn, WSGI": Kind("gunicorn", [*_GUNICORN, "--threads=2"], "wsgi", is_prefixed=True),
    "granian, WSGI": Kind("granian", [*_GRANIAN, "--interface=wsgi"], "wsgi", is_prefixed=True),
    "waitress": Kind(
        "waitress", ["-m", "waitress", "--listen={host}:{port}", "--url-prefix={root}"], "wsgi"
    ),
    "cheroot": Kind("cheroot", ["-m", "cheroot", "--bind={host}:{port}"], "wsgi"),
    "a2wsgi": Kind("a2wsgi", [*_UVICORN, "--factory"], "build_a2wsgi"),
    "asgiref": Kind("asgiref", [*_UVICORN, "--factory"], "build_asgiref"),
    "hypercorn, WSGI": Kind("hypercorn", _HYPERCORN, "wsgi", is_prefixed=True),
    "pyuwsgi": Kind("pyuwsgi", ["-c", _PYUWSGI, "--http={host}:{port}", "--die-on-term"], "wsgi"),
}


def main() -> None:
    """Measure every server, or those that are named, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("names", nargs="*", help="names in the table, such as daphne")
    names = parser.parse_args().names
    known = {each.name: each for each in SERVERS}
    print("| server | version | lost bodies | root path | cancels handlers |", flush=True)
    print("| --- | --- | --- | --- | --- |")
    different: list[str] = []
    for name, kind in KINDS.items():
        if (names and name not in names) or not (installed := _version(kind)):
            continue
        found = measure(name, kind, installed)
        print(f"| {' | '.join([found.name, found.version, *map(str, found[3:])])} |", flush=True)
        if found[3:] != known[name][3:]:
            different.append(name)
    if different:
        sys.exit(f"Different from the table in the code: {', '.join(different)}.")


def _version(kind: Kind) -> str:
    try:
        return version(kind.distribution)
    except PackageNotFoundError:
        return ""


def measure(name: str, kind: Kind, installed: str = "") -> Server:
    """Return what the server *name* does."""
    with tempfile.TemporaryDirectory() as folder, serve(kind, Path(folder, "notes")) as port:
        lost = BodyLoss.NONE
        if not is_processed(port, chunked=True):
            lost = BodyLoss.CHUNKED
        elif not is_processed(port, upgrade=True):
            lost = BodyLoss.UPGRADE
        root_path = find_root_path(port, kind)
        return Server(name, installed, "", lost, root_path, _cancels(port, Path(folder, "notes")))


@contextmanager
def serve(kind: Kind, notes: Path) -> Iterator[int]:
    """Start a server whose slow handler writes to *notes*, and yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    words = [each.format(host="127.0.0.1", port=port, root=ROOT_PATH) for each in kind.words]
    if kind.distribution == "pyuwsgi":
        words += [f"--module={_PROGRAMS}:{kind.program}", "--need-app", "--threads=2"]
    else:
        words.append(f"{_hypercorn_mode(kind)}{_PROGRAMS}:{kind.program}")
    environ = {**os.environ, NOTES: str(notes)}
    if kind.is_prefixed:
        environ["SCRIPT_NAME"] = ROOT_PATH
    with (notes.parent / "log").open("wb") as log:
        command = [sys.executable, *words]
        process = subprocess.Popen(
            command, cwd=_DIRECTORY, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _until(lambda: _is_up(port, process, notes.parent / "log"))
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _hypercorn_mode(kind: Kind) -> str:
    return f"{kind.program}:" if kind.distribution == "hypercorn" else ""


def _is_up(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        sys.exit(log.read_text(errors="replace"))
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            sys.exit("The server did not do what was waited for.")
        time.sleep(0.05)


def is_processed(port: int, *, chunked: bool = False, upgrade: bool = False) -> bool:
    """Send a genuine delivery, and return whether it was accepted."""
    fields = [b"Connection: close"]
    if upgrade:
        fields = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAM"]
    with _send(port, _delivery("invoice.created", fields, chunked=chunked)) as connection:
        return connection.recv(65_536).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))


def _delivery(event: str, fields: Sequence[bytes], *, chunked: bool = False) -> bytes:
    made = Provider(SECRET).make(event)
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(made.body)
    signed = [f"{name}: {value}".encode() for name, value in made.headers.items()]
    head = [f"POST {PATH} HTTP/1.1".encode(), b"Host: localhost", framing, *fields, *signed]
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(made.body), made.body) if chunked else made.body
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _send(port: int, data: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(data)
    return connection


def find_root_path(port: int, kind: Kind) -> RootPath:
    """Return where the program on *port* finds the root path."""
    path = ROOT_PATH * kind.is_prefixed + PROBE
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = b""
    with _send(port, request.encode()) as connection:
        while received := connection.recv(65_536):
            answer += received
    root, seen = json.loads(answer.rpartition(b"\r\n\r\n")[2])
    if kind.program != "asgi":
        assert (root, seen) in ((ROOT_PATH, PROBE), ("", PROBE)), (root, seen)
        return RootPath.SCRIPT_NAME
    assert root == ROOT_PATH, (root, seen)
    return RootPath.IN_FRONT if seen.startswith(ROOT_PATH) else RootPath.BESIDE


def _cancels(port: int, notes: Path) -> str:
    """Hang up during a handler, and return whether it was cancelled."""
    with _send(port, _delivery(SLOW, [])):
        time.sleep(0.5)
    since = time.time()
    _until(notes.exists, HANG_UP + 10)
    _until(lambda: bool(notes.read_text()))
    ended = notes.read_text()
    return "no" if ended == "finished" else f"after {int(float(ended) - since)} s"


if __name__ == "__main__":
    main()
