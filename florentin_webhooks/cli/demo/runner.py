"""Runs steps for real and compares the results with what is expected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from florentin_webhooks.cli.demo.settings import APP, QUEUE, STRIPE_PATH
from florentin_webhooks.cli.devserver.web import PATH
from florentin_webhooks.cli.errors import CLIError
from florentin_webhooks.cli.invocation import self_command
from florentin_webhooks.core.stores.jobs import ListPendingJobs
from florentin_webhooks.core.stores.queries import GetRecord, ListDeadLetters
from florentin_webhooks.protocol.fingerprint import compute_key_id, fingerprint, under_key
from florentin_webhooks.senders import Stripe
from florentin_webhooks.testing.provider import Provider, SignedDelivery

if TYPE_CHECKING:
    from florentin_webhooks.cli.demo.recorder import Run, RunRecorder
    from florentin_webhooks.cli.devserver.supervisor import Child
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["DemoContext", "Reply", "Result", "Step"]

T = TypeVar("T")
_PATIENCE = 120.0
_POLL = 0.02


class Reply(NamedTuple):
    """What came back, and for which delivery; *status* is 0 where nothing was sent."""

    fingerprint: str
    status: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and what is expected of it.

    *event* names a new event to send, *make* returns another delivery, *act* does something else.
    *fails* is a handler and how many of its calls fail. *runs* are the handlers that must be
    called, in order, *finished* those that must finish, by default all. *state* is the state in
    the store at the end. *unfinished* describes a call that did not finish. *of_stripe*: the
    delivery is the second sender's.
    """

    title: str
    why: str = ""
    event: str = ""
    make: Callable[[DemoContext], SignedDelivery] | None = None
    act: Callable[[DemoContext], Reply] | None = None
    fails: tuple[str, int] | None = None
    status: int = 200
    outcome: str = "processed"
    runs: tuple[str, ...] = ()
    finished: tuple[str, ...] | None = None
    state: str = ""
    waiting: str = ""
    unfinished: str = "failed"
    of_stripe: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a step: the reply, the handlers that ran, and the state in the store."""

    step: Step
    reply: Reply
    state: str
    milliseconds: float
    runs: tuple[str, ...]
    finished: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """All differences between the result and what was expected."""
        step, reply = self.step, self.reply
        finished = step.runs if step.finished is None else step.finished
        compared = {
            "status": (step.status, reply.status),
            "outcome": (step.outcome, reply.outcome),
            "handlers called": (_names(step.runs), _names(self.runs)),
            "handlers finished": (_names(finished), _names(self.finished)),
            "state": (step.state or self.state, self.state),
        }
        return [
            f"{what}: expected {expected}, was {actual}"
            for what, (expected, actual) in compared.items()
            if expected != actual
        ]


@dataclass(slots=True)
class DemoContext:
    """Sender, receiver and records of the demonstration."""

    secret: str
    recorder: RunRecorder
    store: RedisStore
    worker: Child
    url: str
    florentin: str
    """The address of the local Florentin."""
    token: str
    sent: dict[str, SignedDelivery] = field(default_factory=dict[str, SignedDelivery])
    _killed: str = ""
    _reported: Counter[str] = field(default_factory=Counter[str])

    @property
    def provider(self) -> Provider:
        """Florentin."""
        return Provider(self.secret)

    def stripe(self, *, ahead: float = 0) -> Provider:
        """Return Stripe, with a clock that is *ahead*, in seconds."""
        later = timedelta(seconds=ahead)
        return Provider(self.secret, sender=Stripe(), clock=lambda: datetime.now(UTC) + later)

    @property
    def stale_provider(self) -> Provider:
        """Florentin, with the clock of yesterday."""
        return Provider(self.secret, clock=lambda: datetime.now(UTC) - timedelta(days=1))

    def perform(self, step: Step) -> Result:
        """Do what *step* says, wait for the workers, and return the result."""
        if step.fails:
            self.recorder.plan_failures(*step.fails)
        if step.make or step.event:
            made = step.make(self) if step.make else self.provider.make(step.event)
            self.sent[step.title] = made
        started = time.perf_counter()
        reply = step.act(self) if step.act else self.send(step.title, of_stripe=step.of_stripe)
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        self.wait_for(lambda: not self._pending())
        runs = self._new_runs("started", self.recorder.started(), reply.fingerprint)
        finished = self._new_runs("finished", self.recorder.finished(), reply.fingerprint)
        return Result(
            step=step,
            reply=reply,
            state=self._state(reply.fingerprint),
            milliseconds=milliseconds,
            runs=tuple(run.handler for run in runs),
            finished=tuple(run.handler for run in finished),
            notes=tuple(run.note for run in finished),
        )

    def send(self, title: str, *, of_stripe: bool = False) -> Reply:
        """Send the delivery of the step *title*."""
        delivery = self.sent[title]
        url = self.url.replace(PATH, STRIPE_PATH) if of_stripe else self.url
        response = self.provider.send(url, delivery)
        key = self._fingerprint(delivery, "stripe" if of_stripe else "")
        return Reply(key, response.status, response.outcome)

    def _fingerprint(self, delivery: SignedDelivery, name: str = "") -> str:
        key_id = compute_key_id(self.secret.encode(), name)
        return under_key(key_id, fingerprint(delivery.body)).hex()

    def kill_worker(self, title: str) -> Reply:
        """Send the delivery of the step *title*, and kill the worker while it handles it."""
        reply = self.send(title)
        self._killed = reply.fingerprint
        run = self.wait_for(self._running)
        if self.worker.process is not None:
            self.worker.process.kill()
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        return reply

    def await_killed(self) -> Reply:
        """Wait until another worker has handled the event of the killed one."""
        self.wait_for(lambda: self._state(self._killed) == "done")
        return Reply(self._killed, 0, self._state(self._killed))

    def requeue(self, title: str) -> Reply:
        """Requeue the dead letter of the step *title* by the command line."""
        key = self._fingerprint(self.sent[title])
        done = subprocess.run(  # noqa: S603 - this program itself.
            self_command("dead", "requeue", APP, key, "--json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
            timeout=_PATIENCE,
        )
        return Reply(key, 0, json.loads(done.stdout)["outcome"] if done.stdout else "nothing")

    def _new_runs(self, kind: str, runs: list[Run], key: str) -> list[Run]:
        """Return those of *runs* for the delivery *key* that no earlier step has reported."""
        own = [run for run in runs if run.fingerprint == key]
        new = own[self._reported[kind + key] :]
        self._reported[kind + key] = len(own)
        return new

    def _running(self) -> Run | None:
        runs = [run for run in self.recorder.started() if run.fingerprint == self._killed]
        return runs[0] if runs else None

    def _pending(self) -> set[str]:
        """Return the deliveries whose jobs are neither done nor dead, without the killed one."""
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        jobs = {each[:32] for each in self.store.execute(ListPendingJobs(QUEUE, tomorrow)).ids}
        dead = {letter.fingerprint for letter in self.store.execute(ListDeadLetters())}
        return jobs - dead - {self._killed}

    def _state(self, key: str) -> str:
        record = self.store.execute(GetRecord(bytes.fromhex(key)))
        return record.state.value if record else "unknown"

    def wait_for(self, condition: Callable[[], T | None]) -> T:
        """Return what *condition* returns, once that is true. Raises CLIError."""
        deadline = time.monotonic() + _PATIENCE
        while not (found := condition()):
            if time.monotonic() > deadline:
                message = f"The worker has not finished within {_PATIENCE:.0f} s."
                raise CLIError(message, "Run the demonstration on a machine that is less busy.")
            time.sleep(_POLL)
        return found


def _names(handlers: tuple[str, ...]) -> str:
    return ", ".join(handlers) or "none"
