"""What fails in a run of handlers: logged, and kept for the result of the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import HandlerAttempt
from florentin_webhooks.core.processing.idempotency import open_guard
from florentin_webhooks.core.processing.report import name_timeout, seconds_from_now
from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.timeouts import TimeIsOver

if TYPE_CHECKING:
    from florentin_webhooks.core.log import HandlerFailure
    from florentin_webhooks.core.processing.attempt import AttemptResult, FinalStates
    from florentin_webhooks.core.processing.idempotency import OnceGuard
    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.processing.report import Reporter
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["RunLog", "RunResult", "describe_result"]


class RunResult(NamedTuple):
    """The *state* that a run left its delivery in, and what failed, in order.

    *retry_after* is in seconds, where every failure is a :class:`RetryLater`; else None.
    """

    state: State
    failures: tuple[HandlerFailure, ...] = ()
    retry_after: float | None = None


class RunLog:
    """The log of one run under *lease*, with its failures in order.

    *attempt* is its number, *seconds* its time; a failed one is repeated after *retry_in* seconds,
    if by us. *alarm* is what a worker raises when the time is over.
    """

    _lease: Lease
    _reporter: Reporter
    _seconds: float
    attempt: int
    _retry_in: float | None
    _states: FinalStates
    _alarm: type[BaseException]
    _delivery: Delivery | None
    _failures: list[HandlerFailure]

    @property
    def queue(self) -> str:
        """The queue whose part runs, empty for inline handlers."""
        return self._lease.part.queue if self._lease.part else ""

    def _once(self, label: str) -> OnceGuard:
        return open_guard(self._lease, label, self.queue)

    def _fail(self, handler: str, error: BaseException, began: float | None = None) -> None:
        """Log the failure of *handler*, and keep it for the result."""
        if isinstance(error, RetryLater):
            failure = self._describe(handler, began, error.seconds).failed(error)
            self._reporter.log.scheduled(failure)
        else:
            if isinstance(error, (TimeIsOver, self._alarm)):
                error = name_timeout(error, self._seconds)
            failure = self._describe(handler, began, self._retry_in).failed(error)
            self._reporter.log.failed(failure)
        if self._reporter.notifier:
            self._reporter.notifier.failed(failure)
        self._failures.append(failure)

    def _describe(
        self, handler: str, began: float | None = None, wait: float | None = None
    ) -> HandlerAttempt:
        delivery = self._delivery
        return HandlerAttempt(
            handler=handler,
            fingerprint=self._lease.key,
            event=delivery.event if delivery else "",
            delivery_id=delivery.delivery_id if delivery else None,
            receiver=self._reporter.receiver,
            queue=self.queue,
            attempt=self.attempt,
            next_attempt=seconds_from_now(wait),
            duration=0.0 if began is None else time.monotonic() - began,
        )

    def _next_state(self, *, last: bool) -> State:
        if not last:
            return State.RUNNING
        if not self._failures:
            return self._states.succeeded
        is_postponed = self._lease.part and self._retry_after() is not None
        return State.QUEUED if is_postponed else self._states.failed

    def _retry_after(self) -> float | None:
        """Return the seconds to wait, where every failure is a :class:`RetryLater`."""
        waits = [f.error.seconds for f in self._failures if isinstance(f.error, RetryLater)]
        return max(waits) if waits and len(waits) == len(self._failures) else None

    def _wait(self) -> float | None:
        """Return the seconds until the next attempt, where they are known."""
        postponed = self._retry_after()
        return self._retry_in if postponed is None else postponed

    def _reason(self) -> str:
        return "; ".join(failure.reason for failure in self._failures)

    def _result(self, state: State) -> RunResult:
        return RunResult(state, tuple(self._failures), self._retry_after())


def describe_result(result: AttemptResult) -> tuple[str, str]:
    """Return the outcome of an attempt, and the type of its error if it failed."""
    error = result.error
    if error is None:
        return result.outcome.value, ""
    if isinstance(error, RetryLater):
        return "scheduled", ""
    return ("discarded", "") if isinstance(error, Discard) else ("failed", type(error).__name__)
