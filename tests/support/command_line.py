"""The command line: in this process for its results, in its own for the rest."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from inspect import signature
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner as _CliRunner
from click.testing import Result

from florentin_webhooks.cli import main
from tests.support.fork_server import START, ForkedProcess
from tests.support.waiting import eventually

SECRET = "a-secret-of-the-command-line-tests"
DEMO = "florentin-webhooks demo --once"
"""The command of the docs that takes longest; the tests of ``demo`` run it."""
QUICK_DEMO = """
import sys
from florentin_webhooks.cli import main
from florentin_webhooks.cli.demo import steps

events, *_ = steps.PARTS.values()
steps.PARTS = {"events": events[6:7]}
sys.argv[0] = "florentin_webhooks/__main__.py"
main(["demo"])
"""
"""A ``demo`` of one step, which then waits for deliveries of the user."""
_ROOT = Path(__file__).parents[2]
_CLEAN: Mapping[str, str | None] = {
    "FLORENTIN_WEBHOOK_SECRET": SECRET,
    "FLORENTIN_REDIS_URL": None,
    "FLORENTIN_REDIS_SERVER": None,
    "NO_COLOR": None,
    "FORCE_COLOR": None,
    "COLUMNS": None,
}


class CliRunner(_CliRunner):
    """A runner with standard error of its own, which click had only on request before 8.2."""

    def __init__(self) -> None:
        knows = "mix_stderr" in signature(_CliRunner).parameters
        options: dict[str, Any] = {"mix_stderr": False} if knows else {}  # Any: click's.
        super().__init__(**options)


def type_in(
    *words: str, stdin: bytes = b"", environ: Mapping[str, str | None] | None = None
) -> Result:
    """Run ``florentin-webhooks`` *words* in this process."""
    return CliRunner().invoke(main, words, input=stdin, env={**_CLEAN, **(environ or {})})


def error(result: Result) -> str:
    """Return message and hint of an error as one text."""
    assert not isinstance(result.exception, Exception), result.exception
    message, hint = result.stderr.splitlines()
    assert message.startswith("error: ")
    assert hint.startswith("hint: ")
    return f"{message} {hint}"


class Program:
    """A running program and its output so far."""

    def __init__(self, process: subprocess.Popen[str] | ForkedProcess) -> None:
        self.process = process
        self.written: dict[str, list[str]] = {"stdout": [], "stderr": []}
        streams = {"stdout": process.stdout, "stderr": process.stderr}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in streams.items()
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            self.written[name].append(line)

    @property
    def data(self) -> str:
        return "".join(self.written["stdout"])

    @property
    def talk(self) -> str:
        return "".join(self.written["stderr"])

    def says(self, pattern: str) -> str:
        """Wait for *pattern* in its standard error and return the match."""

        def found() -> bool:
            return re.search(pattern, self.talk) is not None or self.process.poll() is not None

        eventually(found, seconds=120)
        match = re.search(pattern, self.talk)
        assert match, self.talk + self.data
        return match[1] if match.groups() else match[0]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send it a signal and return its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return its exit code once all output is read."""
        code = self.process.wait(200)
        for reader in self._readers:
            reader.join(60)
        return code


def environment(environ: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return the environment for a program; None in *environ* unsets a variable."""
    wanted = {**os.environ, **_CLEAN, "PYTHONPATH": str(_ROOT), **(environ or {})}
    return {name: value for name, value in wanted.items() if value is not None}


def _process(
    words: Sequence[str], cwd: Path, environ: Mapping[str, str]
) -> subprocess.Popen[str] | ForkedProcess:
    if tuple(words[: len(START)]) == START and environ["PYTHONPATH"] == str(_ROOT):
        return ForkedProcess(words[len(START) :], cwd, environ)
    pipe = subprocess.PIPE
    whole = [sys.executable, *words]
    return subprocess.Popen(whole, cwd=cwd, env=environ, stdout=pipe, stderr=pipe, text=True)


@contextmanager
def started(
    words: Sequence[str], *, cwd: Path, environ: Mapping[str, str | None] | None = None
) -> Iterator[Program]:
    """Start Python with *words* in a process of its own."""
    with _process(words, cwd, environment(environ)) as process:
        program = Program(process)
        try:
            yield program
        finally:
            # A worker that is killed leaves its scheduler, which holds the output open.
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            program.wait()


def python(
    *words: str, cwd: Path = _ROOT, environ: Mapping[str, str | None] | None = None
) -> Program:
    """Run Python with *words* until it ends."""
    with started(words, cwd=cwd, environ=environ) as program:
        program.wait()
    return program


def is_free(lock: Path) -> bool:
    """Check whether the server that held *lock* has ended."""
    with lock.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
