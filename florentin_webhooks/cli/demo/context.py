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
from florentin_webhooks.cli.errors import CLIError
from florentin_webhooks.testing.transport import post

if TYPE_CHECKING:
    from florentin_webhooks.cli.delivery_factory import DeliveryFactory
    from florentin_webhooks.cli.demo.processes import ProcessGroup
    from florentin_webhooks.cli.demo.recorder import Run, RunRecorder
    from florentin_webhooks.redis.store import RedisStore
    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["DemoContext", "StepReply"]

T = TypeVar("T")
_PATIENCE = 40.0
_POLL = 0.02


class StepReply(NamedTuple):
    """Hold what was answered, to whom it concerns: a *status* of 0 stands for no HTTP."""

    fingerprint: str
    status: int
    outcome: str


@dataclass(slots=True)
class DemoContext:
    """Hold who makes deliveries, who works, and what was sent under which title.

    *cut* is the delivery whose worker was killed: it comes to its end while others go on.
    """

    maker: DeliveryFactory
    record: RunRecorder
    crew: ProcessGroup
    store: RedisStore
    url: str
    sent: dict[str, SignedDelivery] = field(default_factory=dict[str, "SignedDelivery"])
    cut: str = ""

    def send(self, made: SignedDelivery) -> StepReply:
        """Send *made* as Florentin would."""
        answer = post(self.url, made.headers, made.body)
        return StepReply(self.maker.fingerprint(made), answer.status, answer.outcome)

    def send_and_kill(self, made: SignedDelivery) -> StepReply:
        """Send *made*, kill the worker while it runs a handler for it, and start another one."""
        said = self.send(made)
        self.cut = said.fingerprint
        self.crew.kill_worker(self._wait_for(self._begun).pid)
        self.crew.work()
        return said

    def await_cut(self) -> StepReply:
        """Wait until the next worker has done what was cut."""
        self._wait_for(lambda: self.state(self.cut) == "done")
        return StepReply(self.cut, 0, self.state(self.cut))

    def revive(self, title: str) -> StepReply:
        """Have an operator revive what was sent as *title*, by the command line."""
        key = self.maker.fingerprint(self.sent[title])
        told = self.crew.run("dead", "replay", APP, key, "--json")
        outcome = json.loads(told)["outcome"] if told else "nothing"
        return StepReply(key, 0, outcome)

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
                raise CLIError(message, "the same command again, on a machine that is less busy")
            time.sleep(_POLL)
        return found
