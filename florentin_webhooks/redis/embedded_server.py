"""A Redis-compatible server for development and tests; never for production.

One server per directory, started by the first process: the server inherits a locked descriptor, so
the lock lives exactly as long as the server does. A pipe is the lifeline: when the process that
started the server ends, for any reason, its end closes, and a guard stops the server, which saves.
"""

import fcntl
import hashlib
import os
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.server_binary import find_binary

__all__ = ["EmbeddedServer"]

# Standard input is the lifeline. A line means stop; end of file means that the owner has ended.
_GUARD = """exec 3<&0 </dev/null
"$@" 3<&- & server=$!
( read _ <&3; kill -TERM $server 2>/dev/null ) & watch=$!
exec 3<&-
wait $server; code=$?
kill $watch 2>/dev/null
exit $code"""

_MAX_SOCKET_PATH = 100  # Linux refuses 108 bytes, macOS 104
_FIRST_LOCK_DESCRIPTOR = 64  # out of the way of the guard's own descriptor 3
_POLL_SECONDS = 0.003
_LOG_TAIL = 400


class EmbeddedServer:
    """The server of one *directory*: started by the first process, shared by all others.

    ``with EmbeddedServer(directory) as server: redis.from_url(server.url)``. The data survives in
    *directory*; the server itself ends with the process that started it. *options* are settings of
    redis.conf, such as ``{"maxmemory": "6mb"}``; they apply only to the process that starts it.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, options: Mapping[str, str] = {}
    ) -> None:
        self.directory = Path(directory).resolve()
        self.socket = _socket_path(self.directory)
        self.url = f"unix://{quote(str(self.socket))}"
        self._options = self._settings() | dict(options)
        self._guard: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def owned(self) -> bool:
        """Whether this object started the server, which then ends with this process."""
        return self._guard is not None and self._owner == os.getpid()

    def start(self, *, timeout: float = 10.0) -> None:
        """Start the server, or attach to the running one; return once it answers.

        Raises `ConfigurationError` without a binary, for an unusable directory, or if the server
        does not answer within *timeout* seconds.
        """
        try:
            self._prepare()
            self._start(time.monotonic() + timeout)
        except OSError as problem:
            raise ConfigurationError(
                f"No server can run in {self.directory}: {problem}.", "Choose a directory you own."
            ) from problem

    def stop(self, *, timeout: float = 10.0) -> None:
        """Stop the server if this object started it in this process; it saves its data first.

        A server that has not stopped after *timeout* seconds is killed.
        """
        guard = self._guard
        if guard is None or self._owner != os.getpid():  # a forked child does not own it
            return
        try:
            guard.communicate(b"stop\n", timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(guard.pid, signal.SIGKILL)  # the guard leads a group of its own
            guard.communicate()
        self._guard = None

    def is_running(self) -> bool:
        """Check whether a server of this directory answers."""
        return _answers(self.socket)

    def pid(self) -> int:
        """Return the process id of the running server itself, not of its guard."""
        try:
            return int((self.directory / "server.pid").read_text())
        except (FileNotFoundError, ValueError):
            raise ConfigurationError(
                f"No server runs in {self.directory}.", "Call start() first."
            ) from None

    def _settings(self) -> dict[str, str]:
        return {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "pidfile": str(self.directory / "server.pid"),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "hz": "50",  # stops within 30 ms instead of 100
        }

    def _prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.socket.parent != self.directory:
            _make_private(self.socket.parent)

    def _start(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._launch():
                self._await_answer(deadline)
                return
            if _answers(self.socket):
                return
            time.sleep(_POLL_SECONDS)
        raise ConfigurationError(
            f"{self.directory} is locked by a server that does not answer on {self.socket}.",
            "Stop that server, or choose another directory.",
        )

    def _launch(self) -> bool:
        """Start the guard and the server, unless another server holds the lock."""
        lock = _open_lock(self.directory / "lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._spawn(lock)
        except BlockingIOError:
            return False
        finally:
            os.close(lock)  # the server keeps the copy it inherited
        return True

    def _spawn(self, lock: int) -> None:
        self.stop()  # the rest of a server that died
        binary = find_binary()
        words = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        self.socket.unlink(missing_ok=True)
        (self.directory / "server.pid").unlink(missing_ok=True)
        with (self.directory / "server.log").open("wb") as log:
            self._guard = subprocess.Popen(  # noqa: S603 - a constant script, words never parsed
                ["/bin/sh", "-c", _GUARD, "florentin-guard", binary, *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C is for its clients, which end first
            )
        self._owner = os.getpid()

    def _await_answer(self, deadline: float) -> None:
        while not _answers(self.socket):
            ended = self._guard is None or self._guard.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                reason = "ended at once" if ended else "did not answer in time"
                raise ConfigurationError(
                    f"The server {reason}. Its log ends with: {self._log_tail()}",
                    "Correct its options, or set FLORENTIN_REDIS_SERVER to another binary.",
                )
            time.sleep(_POLL_SECONDS)

    def _log_tail(self) -> str:
        log = (self.directory / "server.log").read_text(errors="replace")
        return " ".join(log.split())[-_LOG_TAIL:] or "(empty)"


def _socket_path(directory: Path) -> Path:
    """Return a path that fits into a socket address and that `rq worker` can read back."""
    path = directory / "server.sock"
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH and not set(" =") & set(str(path)):
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"florentin-{os.getuid()}" / f"{name}.sock"


def _make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, exist_ok=True)
    info = directory.lstat()  # another user may have created it first
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
        raise PermissionError(f"{directory} is not a private directory of this user")


def _open_lock(path: Path) -> int:
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _FIRST_LOCK_DESCRIPTOR)
    finally:
        os.close(opened)


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False
