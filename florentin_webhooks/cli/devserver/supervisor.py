"""Run processes of this program, start again what dies, pass signals on, and end with the parent.

Each child has a group of its own, so that Ctrl-C reaches it once, from here; and its standard input
is a lifeline: a pipe that ends when this process does, whatever ends it.
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
_LONGEST_WAIT = 30.0
_STABLE = 60.0  # Seconds after which a child that died is no longer one that cannot start.
_ORDERLY = {0, *(sign for n in (signal.SIGTERM, signal.SIGINT) for sign in (-n, 128 + n))}


class Child:
    """Be one process of *words*, which may be started any number of times."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)
        self._deaths = 0
        self._again_at = 0.0
        self._started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended."""
        return None if self.process is None else self.process.poll()

    def start(self) -> None:
        """Start it, unless it died so soon that it has to wait."""
        if time.monotonic() < self._again_at:
            return
        self.close()
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - this program, as it was started.
            self._words, stdin=subprocess.PIPE, process_group=0
        )

    def died(self) -> float:
        """Note that it ended by itself; give the seconds until it may start again."""
        lived = time.monotonic() - self._started_at
        self._deaths = 1 if lived > _STABLE else self._deaths + 1
        wait = min(0.5 * 2.0 ** (self._deaths - 1), _LONGEST_WAIT)
        self._again_at = time.monotonic() + wait
        self._end_group()
        self.close()
        self.process = None
        return wait

    def send(self, number: int) -> None:
        """Pass a signal on."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def _end_group(self) -> None:
        # RQ's scheduler is a process of its own and would go on, for a worker that is no more.
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGTERM)

    def close(self) -> None:
        """Let go of the lifeline, which tells a child that still runs to end."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


class Supervisor:
    """Keep a process of each of *commands* running; in a *burst*, until it has nothing to do."""

    def __init__(self, commands: Sequence[Sequence[str]], *, burst: bool = False) -> None:
        self._children = [Child(words) for words in commands]
        self._burst = burst
        self._stopping = False

    def run(self) -> int:
        """Run until all have ended, or SIGTERM or Ctrl-C has ended them; give the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        self._keep()
        codes = {child.code for child in self._children if child.process is not None}
        return 0 if codes <= _ORDERLY else 1

    @contextmanager
    def beside(self) -> Generator[None]:
        """Run them for as long as the block does; then they finish what they do."""
        keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._pass_on(signal.SIGTERM)
            keeper.join()

    def _keep(self) -> None:
        while open_ones := [child for child in self._children if not self._is_over(child)]:
            for child in open_ones:
                self._tend(child)
            time.sleep(_POLL)
        for child in self._children:
            child.close()

    def _is_over(self, child: Child) -> bool:
        if child.alive:
            return False
        return self._stopping or (self._burst and child.code == 0)

    def _tend(self, child: Child) -> None:
        if child.alive:
            return
        if child.process is not None:
            pid, code = child.process.pid, child.code
            wait = child.died()
            logger.error("worker %d ended with %s; started again in %.1f s", pid, code, wait)
        child.start()
        if self._stopping:  # It was started while the signal came.
            child.send(signal.SIGTERM)

    def _pass_on(self, number: int, _: object = None) -> None:
        self._stopping = True
        for child in self._children:
            child.send(number)


def end_with_parent(*, wanted: bool) -> None:
    """Where it is *wanted*, end this process the orderly way when its standard input does."""
    if wanted:
        threading.Thread(target=_await_end, name="lifeline", daemon=True).start()


def _await_end() -> None:
    while os.read(0, 64):
        pass
    # To the main thread, which may be waiting for Redis: a signal to the process may come here.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
