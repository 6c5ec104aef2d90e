"""Where the demonstration plays: who sends, who receives, what is known of both."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from florentin_webhooks.cli.demo.recorder import open_jobs, state_of
from florentin_webhooks.cli.demo.settings import APP, QUEUE
from florentin_webhooks.cli.errors import Failure
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.testing.transport import post

if TYPE_CHECKING:
    from florentin_webhooks.cli.delivery_factory import Maker
    from florentin_webhooks.cli.demo.processes import Crew
    from florentin_webhooks.cli.demo.recorder import Record, Run
    from florentin_webhooks.redis.store import RedisStore
    from florentin_webhooks.testing.provider import Made

__all__ = ["Said", "Scene"]

T = TypeVar("T")
_PATIENCE = 40.0
_POLL = 0.02


class Said(NamedTuple):
    """Hold what was answered, to whom it concerns: a *status* of 0 stands for no HTTP."""

    fingerprint: str
    status: int
    outcome: str


@dataclass(slots=True)
class Scene:
    """Hold who makes deliveries, who works, and what was sent under which title.

    *cut* is the delivery whose worker was killed: it comes to its end while others go on.
    """

    maker: Maker
    record: Record
    crew: Crew
    store: RedisStore
    url: str
    sent: dict[str, Made] = field(default_factory=dict[str, "Made"])
    cut: str = ""

    def send(self, made: Made) -> Said:
        """Send *made* as Florentin would."""
        answer = post(self.url, made.headers, made.body)
        return Said(fingerprint(made.body).hex(), answer.status, answer.outcome)

    def send_and_kill(self, made: Made) -> Said:
        """Send *made*, kill the worker while it runs a handler for it, and start another one."""
        said = self.send(made)
        self.cut = said.fingerprint
        self.crew.kill_worker(self._wait_for(self._begun).pid)
        self.crew.work()
        return said

    def await_cut(self) -> Said:
        """Wait until the next worker has done what was cut."""
        self._wait_for(lambda: self.state(self.cut) == "done")
        return Said(self.cut, 0, self.state(self.cut))

    def revive(self, title: str) -> Said:
        """Have an operator revive what was sent as *title*, by the command line."""
        key = fingerprint(self.sent[title].body).hex()
        told = self.crew.run("dead", "replay", APP, key, "--json")
        outcome = json.loads(told)["outcome"] if told else "nothing"
        return Said(key, 0, outcome)

    def settle(self) -> None:
        """Wait until the workers have nothing left to do, but for what was cut."""
        self._wait_for(lambda: not self._open())

    def state(self, key: str) -> str:
        """Give the state that the store remembers."""
        return state_of(self.store, key)

    def _open(self) -> set[str]:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return open_jobs(self.store, QUEUE, tomorrow) - {self.cut}

    def _begun(self) -> Run | None:
        runs = [run for run in self.record.started() if run.fingerprint == self.cut]
        return runs[0] if runs else None

    def _wait_for(self, condition: Callable[[], T | None]) -> T:
        end = time.monotonic() + _PATIENCE
        while not (found := condition()):
            if time.monotonic() > end:
                message = f"a worker did not do in {_PATIENCE:.0f} s what it must"
                raise Failure(message, "the same command again, on a machine that is less busy")
            time.sleep(_POLL)
        return found
