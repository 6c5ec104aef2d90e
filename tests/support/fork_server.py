"""Programs as forks of one process that has imported what they need, which most of them wait for.

Each is a process of its own with its own arguments, directory, environment and output. It runs as
``python -W error -m florentin_webhooks``, except that its modules are there already.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

MODULE = "florentin_webhooks"
START = ("-W", "error", "-m", MODULE)
"""How the words for Python begin that a fork can follow."""

_ROOT = Path(__file__).parents[2]
COMMANDS = (
    "florentin_webhooks.cli",
    "florentin_webhooks.events",
    "florentin_webhooks.redis.store",
    "florentin_webhooks.rq.worker",
    "florentin_webhooks.testing",
    "rich.console",
    "rich.table",
    "uvicorn",
)
WORKERS = (
    "florentin_webhooks.asgi",
    "florentin_webhooks.rq.worker",
    "florentin_webhooks.senders",
    "pytest",
    "rq.scheduler",
    "tests.support.signing_keys",
    "tests.support.vectors",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)
"""The modules of programs that are no command line."""


class Request(NamedTuple):
    """What a program gets besides its streams, of which the fourth and later are *descriptors*.

    With *leads* it is the leader of a new session. With *warns*, a warning is not an error.
    """

    words: list[str]
    directory: str
    environ: dict[str, str]
    module: str = MODULE
    leads: bool = False
    warns: bool = False
    descriptors: list[int] = []  # noqa: RUF012 - of no use to two requests.


class Forked:
    """A running program, with the part of ``subprocess.Popen`` that tests use.

    Its first three *streams* are its standard ones.
    """

    def __init__(
        self, request: Request, streams: Sequence[int], imported: tuple[str, ...] = COMMANDS
    ) -> None:
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(server_path(imported))
        _send(self._connection, request, streams)
        self.pid = self._read_number()

    def close(self) -> None:
        self._connection.close()

    def poll(self) -> int | None:
        """Return the exit code, or None while the program runs."""
        if self.returncode is None and wait([self._connection], 0):
            self.returncode = self._read_number()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the program has ended."""
        if self.returncode is None:
            if not wait([self._connection], timeout):
                raise subprocess.TimeoutExpired(MODULE, timeout or 0)
            self.returncode = self._read_number()
        return self.returncode

    def _read_number(self) -> int:
        """Read one line and not a byte more, since `wait` sees only what is still unread."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self._connection.recv(1)
            if not byte:
                raise ConnectionError("The fork server ended without an exit code.")
            line += byte
        return int(line)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkedProcess(Forked):
    """A running command line, and its output."""

    def __init__(self, words: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> None:
        (out, written), (err, reported) = os.pipe(), os.pipe()
        self.stdout, self.stderr = _readable(out), _readable(err)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
            request = Request([*words], str(cwd), dict(environ))
            super().__init__(request, [nothing.fileno(), written, reported])
        os.close(written)
        os.close(reported)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.wait()
        for each in (self.stdout, self.stderr):
            each.close()
        self.close()


def _readable(descriptor: int) -> IO[str]:
    return os.fdopen(descriptor, encoding="utf-8")


def _send(connection: socket.socket, request: Request, streams: Sequence[int]) -> None:
    data = json.dumps(request).encode() + b"\n"
    sent = socket.send_fds(connection, [data], streams)
    connection.sendall(data[sent:])


@cache
def server_path(imported: tuple[str, ...] = COMMANDS) -> str:
    """Start the server of this process and its forks, which ends with them; return its path.

    Its forks have *imported* these modules.
    """
    directory = tempfile.mkdtemp(prefix="fw-")
    _at_exit(partial(shutil.rmtree, directory, ignore_errors=True))
    path = f"{directory}/socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(100)
        server = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", __name__, str(listening.fileno()), *imported],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            pass_fds=[listening.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    _at_exit(server.communicate)
    return path


def _at_exit(function: Callable[[], object]) -> None:
    """Call *function* when this process ends, and not when a fork of it does."""
    process = os.getpid()
    atexit.register(lambda: os.getpid() == process and function())


def serve(listening: socket.socket) -> Request | None:
    """Fork for each request: return it in the new process, and None when the tests have ended."""
    gc.freeze()
    while True:
        ready, _, _ = select.select([listening.fileno(), 0], [], [])
        if 0 in ready:
            return None
        _reap()
        connection, _ = listening.accept()
        with connection:
            if os.fork() == 0:
                listening.close()
                return _watched(connection)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _watched(connection: socket.socket) -> Request:
    """Fork once more: return in the program, and report its process id and its exit code here."""
    data, streams, *_ = socket.recv_fds(connection, 65_536, 8)
    while not data.endswith(b"\n"):
        data += connection.recv(65_536)
    request = Request(*json.loads(data))
    if pid := os.fork():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for each in streams:
            os.close(each)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(b"%d\n" % code)
        os._exit(0)
    if request.leads:
        os.setsid()
    connection.sendall(b"%d\n" % os.getpid())
    for number, each in enumerate(streams[:3]):
        os.dup2(each, number)
        os.close(each)
    return request._replace(descriptors=streams[3:])


def _run(request: Request) -> None:
    """Run the program in this process."""
    if request.warns:
        warnings.resetwarnings()
    os.environ.clear()
    os.environ.update(request.environ)
    os.chdir(request.directory)
    sys.path[0] = request.directory
    sys.argv[1:] = [*request.words, *map(str, request.descriptors)]
    importlib.invalidate_caches()
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


def _main() -> None:
    for name in sys.argv[2:]:
        importlib.import_module(name)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        request = serve(listening)
    if request is not None:
        _run(request)


if __name__ == "__main__":
    warnings.simplefilter("error")
    _main()
