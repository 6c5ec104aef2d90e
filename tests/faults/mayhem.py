"""Whoever kills: web processes, work-horses, workers and the server, at random from a seed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tests.faults.sessions import processes_of, session_of
from tests.faults.stage import Stage

__all__ = ["KINDS", "Fault", "Mayhem"]

KINDS = ("web", "horse", "worker", "orphan", "server")
"""``worker``: with its work-horse and scheduler; ``orphan``: these two live on without it."""


class Fault(NamedTuple):
    """What was done to whom, and until when it lasted."""

    kind: str
    began: float
    ended: float
    victims: tuple[int, ...]


class Mayhem:
    """Kill somebody on *stage* again and again, and start what was killed anew."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.faults: list[Fault] = []
        self._stage = stage
        self._random = random.Random(seed)  # noqa: S311 - a seed is there to repeat a run.
        self._bag: list[str] = []

    def rage(self, over: Callable[[], bool], *, pause: tuple[float, float]) -> None:
        """Kill, with a *pause* between such bounds, until it is *over*.

        A kind that has hit nothing in flight comes again soon.
        """
        while not over():
            self._rest(self._random.uniform(*pause), over)
            if not self._bag:
                self._bag = self._random.sample(KINDS, len(KINDS))
            kind, began = self._bag.pop(), time.time()
            victims = getattr(self, f"_{kind}")()
            self._stage.revive()
            self.faults.append(Fault(kind, began, time.time(), tuple(victims)))
            cut = set(victims) & set(self._stage.oracle.open_runs().values())
            if kind in {"web", "horse", "worker"} and not cut:
                self._bag.insert(self._random.randint(0, len(self._bag)), kind)

    def counts(self) -> dict[str, int]:
        """How many faults of each kind there were."""
        return {kind: sum(fault.kind == kind for fault in self.faults) for kind in KINDS}

    def _web(self) -> list[int]:
        return self._stage.kill(self._name("web"))

    def _horse(self) -> list[int]:
        victims = self._stage.horses() & {self._at_work(self._stage.horses)}
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return sorted(victims)

    def _worker(self) -> list[int]:
        return self._stage.kill(self._name("fork"))

    def _orphan(self) -> list[int]:
        return self._stage.kill(self._name("fork"), alone=True)

    def _name(self, kind: str) -> str:
        """Somebody of a *kind*, by preference one that is at work."""
        names = self._stage.names(kind)

        def sessions() -> set[int]:
            return {pid for name in names for pid in processes_of(self._stage.running[name].pid)}

        session = session_of(self._at_work(sessions))
        busy = [name for name in names if self._stage.running[name].pid == session]
        return self._random.choice(busy or names)

    def _at_work(self, among: Callable[[], set[int]]) -> int:
        """The one that has begun its run last, waiting a second for one; 0 if there is none."""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pids = among()
            found = [pid for pid in self._stage.oracle.open_runs().values() if pid in pids]
            if found:
                return found[-1]
        return 0

    def _server(self) -> list[int]:
        with self._stage.gone():
            self._rest(self._random.uniform(0.1, 1), lambda: False)
        return []

    def _rest(self, seconds: float, over: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not over():
            time.sleep(0.01)
