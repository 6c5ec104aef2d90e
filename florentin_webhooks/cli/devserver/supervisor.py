"""Child processes of this program: restarted when they die, and never left behind.

RQ's own ``WorkerPool`` runs several workers, too, but its workers outlive a pool that was killed,
as do the schedulers of workers that were killed. It restarts a failing worker every second, and
exits with 0 even after failures.

Each child has a process group of its own, so that Ctrl-C reaches it once, from here. Its standard
input is a lifeline: a pipe that ends when this process does, even by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from florentin_webhooks.core.log import logger

__all__ = ["Child", "Supervisor", "end_with_parent"]

_POLL = 0.1
_LONGEST_DELAY = 30.0
_STABLE = 60.0  # Seconds after which a child has started successfully.
_ORDERLY = {0, *(code for n in (signal.SIGTERM, signal.SIGINT) for code in (-n, 128 + n))}


class Child:
    """A process that can be started again; it inherits the descriptors *pass_fds*."""

    def __init__(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
        self._command = list(command)
        self._pass_fds = tuple(pass_fds)
        self._deaths = 0
        self._start_after = 0.0
        self._started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def code(self) -> int | None:
        """Exit code of the process, if it has ended."""
        return None if self.process is None else self.process.poll()

    def start(self) -> None:
        """Start the process, unless its delay is not over."""
        if time.monotonic() < self._start_after:
            return
        self.close()
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - this program itself.
            self._command, stdin=subprocess.PIPE, process_group=0, pass_fds=self._pass_fds
        )

    def record_death(self) -> float:
        """Return the seconds until the process may start again; they double each time."""
        lifetime = time.monotonic() - self._started_at
        self._deaths = 1 if lifetime > _STABLE else self._deaths + 1
        delay = min(0.5 * 2.0 ** (self._deaths - 1), _LONGEST_DELAY)
        self._start_after = time.monotonic() + delay
        self.end_group()
        self.close()
        self.process = None
        return delay

    def send(self, number: int) -> None:
        """Send a signal to the process."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def stop(self, grace: float) -> None:
        """End the process: by SIGTERM, and after *grace* seconds by SIGKILL."""
        self.send(signal.SIGTERM)
        if self.process is not None:
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                self.end_group(signal.SIGKILL)
                self.process.wait()
        self.close()

    def end_group(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to what the process has started.

        RQ's scheduler is a process of its own, which survives a worker that was killed.
        """
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def close(self) -> None:
        """Close the lifeline, so that the process ends if it still runs."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


class Supervisor:
    """Keeps *children* running; in a *burst* until each has exited with 0."""

    def __init__(self, children: Sequence[Child], *, burst: bool = False) -> None:
        self._children = children
        self._burst = burst
        self._stopping = False

    def run(self) -> int:
        """Run until all have ended, by themselves or after a signal; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._forward)
        self._supervise()
        codes = {child.code for child in self._children if child.process is not None}
        return 0 if codes <= _ORDERLY else 1

    @contextmanager
    def beside(self) -> Generator[None]:
        """Run them in the background for as long as the block; then they finish their work."""
        thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._forward(signal.SIGTERM)
            thread.join()

    def _supervise(self) -> None:
        while unfinished := [child for child in self._children if not self._is_finished(child)]:
            for child in unfinished:
                self._restart(child)
            time.sleep(_POLL)
        for child in self._children:
            child.close()

    def _is_finished(self, child: Child) -> bool:
        if child.alive:
            return False
        return self._stopping or (self._burst and child.code == 0)

    def _restart(self, child: Child) -> None:
        if child.alive:
            return
        if child.process is not None:
            pid, code = child.process.pid, child.code
            delay = child.record_death()
            logger.error("Process %d exited with %s. Restarting in %.1f s.", pid, code, delay)
        child.start()
        if self._stopping:  # The signal came while the process was started.
            child.send(signal.SIGTERM)

    def _forward(self, number: int, _: object = None) -> None:
        self._stopping = True
        for child in self._children:
            child.send(number)


def end_with_parent(*, wanted: bool) -> None:
    """Where *wanted*, send this process SIGTERM when its standard input ends."""
    if wanted:
        threading.Thread(target=_await_end, name="lifeline", daemon=True).start()


def _await_end() -> None:
    while os.read(0, 64):
        pass
    # To the main thread, which may wait for Redis: a signal to the process could reach this one.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
