"""Report deliveries and attempts to the observers of a receiver, whatever these raise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.log import error_location, log_observer_failure
from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport, Observer
from florentin_webhooks.core.routing.exceptions import RetryLater
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.log import DeadDelivery, HandlerAttempt, HandlerFailure
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = ["Notifier"]

R = TypeVar("R")


_ACCEPTED = frozenset(
    {
        Outcome.PROCESSED,
        Outcome.ACCEPTED,
        Outcome.IGNORED,
        Outcome.ANSWERED,
        Outcome.HANDLER_FAILED,
    }
)
_DUPLICATE = frozenset({Outcome.DUPLICATE, Outcome.IN_PROGRESS})


class Notifier:
    """The observers of a receiver, whose name *receiver* returns, and which serves *sender*."""

    def __init__(self, receiver: Callable[[], str], sender: str) -> None:
        self._observers: tuple[Observer, ...] = ()
        self._receiver = receiver
        self._sender = sender
        self._logged: set[str] = set()

    def add(self, observer: object) -> None:
        """Report to *observer* from now on. Raises :class:`ConfigurationError` if it is none."""
        kind = observer if isinstance(observer, type) else type(observer)
        if kind is observer or not isinstance(observer, Observer):
            raise ConfigurationError(
                f"The observer, {kind.__name__}, lacks methods of Observer, or is a class.",
                "Pass an object whose class derives from florentin_webhooks.Observer.",
            )
        self._observers += (observer,)

    def answered(self, reply: Reply, delivery: Delivery, key: str, began: float | None) -> None:
        """Report *reply* to a genuine delivery, whose record has the fingerprint *key*.

        The flow began at *began*, of the performance counter.
        """
        duration = None if began is None else time.perf_counter() - began
        fields = (
            *(self._receiver(), self._sender, reply.outcome, duration),
            *(delivery.event, key, delivery.secret, delivery.timestamp, delivery.received_at),
            "" if reply.error is None else str(reply.error),
        )
        self._deliver(new_tuple(DeliveryReport, fields))

    def rejected(self, reply: Reply, reason: str, began: float | None) -> None:
        """Report the refusal of a request that is not known to be an event."""
        duration = None if began is None else time.perf_counter() - began
        self._deliver(
            DeliveryReport(self._receiver(), self._sender, reply.outcome, duration, reason=reason)
        )

    def ended(self, attempt: HandlerAttempt, outcome: str) -> None:
        """Report an attempt that did not fail, with its *outcome*."""
        self._attempted(attempt, outcome, "", "")

    def failed(self, failure: HandlerFailure) -> None:
        """Report a failed attempt, or one that raised RetryLater."""
        error = failure.error
        if isinstance(error, RetryLater):
            self.ended(failure, "scheduled")
            return
        place = error_location(error, failure.handler.partition(":")[0])
        self._attempted(failure, "failed", type(error).__name__, place)

    def died(self, dead: DeadDelivery) -> None:
        """Report a dead delivery."""
        fields = (dead.event, dead.fingerprint, dead.queue, dead.attempts, dead.reason)
        report = DeadReport(self._receiver(), self._sender, *fields)
        for observer in self._observers:
            self._call(observer.dead, report)

    def _deliver(self, report: DeliveryReport) -> None:
        for observer in self._observers:
            if report.outcome in _ACCEPTED:
                self._call(observer.accepted, report)
            elif report.outcome in _DUPLICATE:
                self._call(observer.duplicate, report)
            else:
                self._call(observer.refused, report)

    def _attempted(self, attempt: HandlerAttempt, outcome: str, error: str, place: str) -> None:
        fields = (
            *(
                self._receiver(),
                self._sender,
                attempt.event,
                attempt.fingerprint,
                attempt.handler,
            ),
            *(attempt.queue, attempt.attempt, outcome, attempt.duration),
            *(error, place, attempt.next_attempt),
        )
        report = new_tuple(AttemptReport, fields)
        for observer in self._observers:
            self._call(observer.failed if outcome == "failed" else observer.handled, report)

    def _call(self, method: Callable[[R], None], report: R) -> None:
        try:
            method(report)
        except Exception as error:  # noqa: BLE001 - the program's own code changes no outcome.
            self._log_once(method, error)

    def _log_once(self, method: Callable[[R], None], error: Exception) -> None:
        owner: object = getattr(method, "__self__", method)
        kind = type(owner)
        name = f"{kind.__module__}:{kind.__qualname__}"
        if (called := f"{name}.{method.__name__}") not in self._logged:
            self._logged.add(called)
            log_observer_failure(called, error)
