"""The stage of one story: a sender, a store and a clock here, and forks that run handlers."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from florentin_webhooks.core.job import process_job
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.guards import GuardStep, Once
from florentin_webhooks.errors import WebhookError
from florentin_webhooks.testing.kit.rehearsal import Kit
from florentin_webhooks.testing.kit.worker import retry_delay, schedule
from florentin_webhooks.testing.prove.child import Effect, Ended, Refused, start
from florentin_webhooks.testing.transport import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.prove.child import Process
    from florentin_webhooks.testing.prove.patches import NamedEffect
    from florentin_webhooks.testing.store import Entry, Part

__all__ = ["Count", "Stage"]

_SECONDS = 60.0
"""How long a child may do nothing that the parent sees."""
_STUCK = f"a process did nothing for {_SECONDS:.0f} s"

_NO_ANSWER = Response(0, "", {}, b"")


class Count(NamedTuple):
    """What is counted: an effect of a handler."""

    handler: str
    effect: str


class Stage(Kit):
    """The kit of a story, whose receiver runs in forks.

    *interrupt* is called at each point where a fork may die: before an effect, and before the end
    of a handler is recorded; it returns whether this one does.
    """

    def __init__(
        self, stack: ExitStack, receiver: Receiver[object], named: Sequence[NamedEffect]
    ) -> None:
        super().__init__(stack, blocking=True, secret=None, url=None)
        self.bind(receiver)
        self.transport = self._deliver
        self.interrupt: Callable[[str], bool] = lambda _: False
        self.effects: list[tuple[Count, str]] = []
        self.errors: list[str] = []
        self.log: list[str] = []
        self.strict = False
        self._named = named
        self._began = self.clock.now

    def settle(self, hours: float = 24) -> None:
        """Wait until neither the sender nor the queue retries any more."""
        run_sync(self.wait(timedelta(hours=hours)))

    def deliver(self, delivery: SignedDelivery) -> None:
        """Send *delivery*, and run what it queues."""
        run_sync(self.send(delivery))
        run_sync(self.run_worker())

    def counts(self) -> Mapping[Count, int]:
        """Return how often each effect has happened; calls with one key are one."""
        seen: set[tuple[Count, str]] = set()
        counts: Counter[Count] = Counter()
        for each in self.effects:
            counts[each[0]] += not each[1] or each not in seen
            seen.add(each)
        return counts

    async def _deliver(self, made: SignedDelivery) -> Response:
        number = len(self.log)
        self.log.append("")
        found = cast("Response | None", self._run(partial(self._receive, made)))
        response = found or _NO_ANSWER
        answer = f"{found.status} {found.outcome}" if found else "no answer"
        self.log[number] = f"{self._time()}the sender sends {made.event}: {answer}."
        return response

    def _receive(self, made: SignedDelivery) -> Response:
        reply = self.receiver.receive_blocking(made.headers, made.body, None)
        return Response(reply.status, reply.outcome.value, {}, reply.body)

    async def _run_part(self, entry: Entry, part: Part) -> None:
        self.log.append(f"{self._time()}a worker takes {entry.delivery.event}.")
        queue, delay = part.job.queue, retry_delay(self.receiver, part.failures)
        result = self._run(partial(self._process, entry.key.hex(), queue, delay))
        if result is not None:
            seconds, failed = cast("tuple[float | None, bool]", result)
            schedule(entry.parts[queue], seconds, delay, self.clock.now, failed=failed)

    def _process(self, key: str, queue: str, delay: float | None) -> tuple[float | None, bool]:
        hooks, since = self.receiver, time.monotonic()
        with hooks.handler_context():
            result = process_job(
                hooks, hooks.store, key, queue, last=delay is None, since=since, retry_in=delay
            )
        return result.seconds, bool(result.failures)

    def _run(self, task: Callable[[], object]) -> object:
        """Return the result of *task* in a fork, None if it has died.

        After one that did nothing, no other is started: each retry would take as long.
        """
        if _STUCK in self.errors:
            return None
        child = start(self.receiver, self.store, task, self._named)
        try:
            return self._serve(child)
        finally:
            child.connection.close()
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)

    def _serve(self, child: Process) -> object:
        while child.connection.poll(_SECONDS):
            try:
                message = child.connection.recv()
            except EOFError:
                self.errors.append("a process ended by itself")
                return None
            if isinstance(message, Ended):
                self.errors += message.failures
                return message.result
            if self._is_point(message) and self.interrupt(_place(message)):
                return None
            child.connection.send(self._answer(message))
        self.errors.append(_STUCK)
        return None

    def _time(self) -> str:
        seconds = (self.clock.now - self._began).total_seconds()
        return f"After {seconds:.0f} s, " if seconds else "At first, "

    def _is_point(self, message: object) -> bool:
        if isinstance(message, Once):
            return self.strict and message.step is GuardStep.DONE
        return isinstance(message, Effect | Finish)

    def _answer(self, message: Any) -> object:  # Any: an operation.
        if isinstance(message, Effect):
            self.effects.append((Count(message.handler, message.name), message.key))
            self.log.append(f"  {message.handler} does {message.name}.")
            return None
        try:
            return cast("object", self.store.execute(message))
        except WebhookError as error:
            return Refused(error.message, error.hint)


def _place(message: object) -> str:
    if isinstance(message, Effect):
        return f"before {message.name}"
    if isinstance(message, Once):
        return f"after the block once({message.label!r}), before that is recorded"
    handler = message.handler if isinstance(message, Finish) else None
    return f"before the end of {handler or 'its handlers'} is recorded"
