"""The processes of the demonstration: one serves, one works, and all of them end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import click

from florentin_webhooks.cli.invocation import self_command

if TYPE_CHECKING:
    import socket

__all__ = ["ProcessGroup"]

_PATIENCE = 40.0


class ProcessGroup:
    """Start and end processes that share *environ*; say what they log once *audible* is set."""

    def __init__(self, environ: Mapping[str, str], form: str) -> None:
        self.audible = threading.Event()
        self._environ = {**os.environ, **environ}
        self._form = form
        self._started: list[subprocess.Popen[str]] = []
        self._relays: list[threading.Thread] = []
        self.worker: subprocess.Popen[str] | None = None

    def serve(self, listener: socket.socket) -> subprocess.Popen[str]:
        """Start the web process, which serves at *listener*."""
        descriptor = listener.fileno()
        return self._start("web", str(descriptor), descriptors=(descriptor,))

    def work(self) -> subprocess.Popen[str]:
        """Start a worker."""
        self.worker = self._start("worker")
        return self.worker

    def kill_worker(self, horse: int) -> None:
        """Kill the worker and the process in which it runs a handler, as a power cut would.

        Its scheduler is a process of its own and goes on.
        """
        if self.worker is not None:
            self.worker.kill()
            with suppress(ProcessLookupError):
                os.kill(horse, signal.SIGKILL)
            self.worker.wait()

    def run(self, *words: str) -> str:
        """Run a command of this program to its end and give what it printed."""
        done = subprocess.run(  # noqa: S603 - this program.
            self_command(*words),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        return done.stdout

    @contextmanager
    def running(self) -> Generator[ProcessGroup]:
        """End all of them when the block does."""
        try:
            yield self
        finally:
            for process in self._started:
                _signal_group(process, signal.SIGTERM)
            for process in self._started:
                self._end(process)
            for relay in self._relays:
                relay.join(_PATIENCE)

    def _start(
        self, name: str, *words: str, descriptors: Sequence[int] = ()
    ) -> subprocess.Popen[str]:
        warnings = [f"-W{option}" for option in sys.warnoptions]
        module = f"florentin_webhooks.cli.demo.{name}"
        process = subprocess.Popen(  # noqa: S603 - a module of this package.
            [sys.executable, *warnings, "-m", module, *words, self._form],
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=descriptors,
            process_group=0,
        )
        self._started.append(process)
        relay = threading.Thread(target=self._relay, args=(process.stdout,), daemon=True)
        relay.start()
        self._relays.append(relay)
        return process

    def _relay(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                if self.audible.is_set():
                    click.echo(line, nl=False)

    def _end(self, process: subprocess.Popen[str]) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
        _signal_group(process, signal.SIGKILL)  # What is left: a scheduler whose worker was killed.
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
