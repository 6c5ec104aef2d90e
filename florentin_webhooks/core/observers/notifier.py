"""Report deliveries and attempts to the observers of a receiver; what these raise is logged."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.core.log import error_location, error_text, log_observer_failure
from florentin_webhooks.core.observer import (
    AttemptReport,
    DeadReport,
    DeliveryReport,
    Observer,
    Tracer,
)
from florentin_webhooks.core.observers.spans import SafeTracer
from florentin_webhooks.core.routing.exceptions import RetryLater
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from florentin_webhooks.core.log import DeadDelivery, HandlerAttempt, HandlerFailure
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = ["Notifier", "Report"]

Report = DeliveryReport | AttemptReport | DeadReport
Sink = Callable[[str, Report], None]
"""Takes the method of an observer, and the report that it would get."""


FLUSH_SECONDS = 1.0
_LONGEST_TEXT = 2000

_METHODS = dict.fromkeys(Outcome, "refused") | {
    Outcome.PROCESSED: "accepted",
    Outcome.ACCEPTED: "accepted",
    Outcome.IGNORED: "accepted",
    Outcome.ANSWERED: "accepted",
    Outcome.HANDLER_FAILED: "accepted",
    Outcome.DUPLICATE: "duplicate",
    Outcome.IN_PROGRESS: "duplicate",
}
"""The method of an observer that is called for each outcome."""
_REPORTING = ("accepted", "duplicate", "refused", "handled", "failed", "dead", "flush")


class _Call(NamedTuple):
    """The method of an observer, looked up once and not for each report."""

    observer: Observer
    function: Callable[[Any], None]  # Any: the argument of that method.


class Notifier:
    """The observers of a receiver, whose name *receiver* returns, and which serves *sender*."""

    def __init__(self, receiver: Callable[[], str], sender: str) -> None:
        self._calls: dict[str, tuple[_Call, ...]] = dict.fromkeys(_REPORTING, ())
        self._find_receiver = receiver
        self._receiver = ""
        self._sender = sender
        self.tracer: SafeTracer | None = None
        """The last observer that is a tracer."""
        self._reads_text = False
        self._sink: Sink | None = None
        self._logged: set[str] = set()

    def add(self, observer: object) -> None:
        """Report to *observer* from now on. Raises :class:`ConfigurationError` for another type."""
        kind = observer if isinstance(observer, type) else type(observer)
        if kind is observer or not isinstance(observer, Observer):
            raise ConfigurationError(
                f"The observer, {kind.__name__}, lacks methods of Observer, or is a class.",
                "Pass an object whose class derives from florentin_webhooks.Observer.",
            )
        reads_text = getattr(observer, "reads_error_text", False) is True
        self._reads_text = self._reads_text or reads_text
        for method in _REPORTING:
            call: Callable[[Any], None] = getattr(observer, method)
            # The methods of Observer itself do nothing.
            if getattr(call, "__func__", None) is not getattr(Observer, method):
                if method == "failed" and not reads_text:
                    call = partial(_without_text, call)
                self._calls[method] += (_Call(observer, call),)
        if isinstance(observer, Tracer):
            self.tracer = SafeTracer(observer)

    @property
    def receiver(self) -> str:
        """The name of the receiver, which it may get only after it was built."""
        if not self._receiver:
            self._receiver = self._find_receiver()
        return self._receiver

    def answered(self, reply: Reply, delivery: Delivery, key: str, began: float | None) -> None:
        """Report *reply* to a genuine delivery, whose record has the fingerprint *key*.

        The flow began at *began*, of the performance counter.
        """
        duration = None if began is None else time.perf_counter() - began
        outcome, error = reply.outcome, reply.error
        fields = (
            self._receiver or self.receiver,
            self._sender,
            outcome,
            duration,
            delivery.event,
            key,
            delivery.secret,
            delivery.timestamp,
            delivery.received_at,
            "" if error is None else str(error),
        )
        (self._sink or self._call)(_METHODS[outcome], new_tuple(DeliveryReport, fields))

    def rejected(self, reply: Reply, reason: str, began: float | None) -> None:
        """Report the refusal of a request that is not known to be an event."""
        duration = None if began is None else time.perf_counter() - began
        report = DeliveryReport(self.receiver, self._sender, reply.outcome, duration, reason=reason)
        self.notify("refused", report)

    def succeeded(
        self, handler: str, event: str, key: str, attempt: int, outcome: str, began: float
    ) -> None:
        """Report that an inline handler has ended, which began at *began*, monotonic."""
        receiver, duration = self._receiver or self.receiver, time.monotonic() - began
        about = receiver, self._sender, event, key, handler
        fields = (*about, "", attempt, outcome, duration, "", "", None, "")
        (self._sink or self._call)("handled", new_tuple(AttemptReport, fields))

    def ended(self, attempt: HandlerAttempt, outcome: str) -> None:
        """Report an attempt that did not fail, with its *outcome*."""
        self._attempted("handled", attempt, outcome)

    def failed(self, failure: HandlerFailure) -> None:
        """Report a failed attempt, or one that raised RetryLater."""
        error = failure.error
        if isinstance(error, RetryLater):
            self.ended(failure, "scheduled")
            return
        place = error_location(error, failure.handler.partition(":")[0])
        text = error_text(error)[:_LONGEST_TEXT] if self._reads_text else ""
        self._attempted("failed", failure, "failed", type(error).__name__, place, text)

    def died(self, dead: DeadDelivery) -> None:
        """Report a dead delivery."""
        fields = (dead.event, dead.fingerprint, dead.queue, dead.attempts, dead.reason)
        self.notify("dead", DeadReport(self.receiver, self._sender, *fields))

    def divert(self, sink: Sink | None) -> None:
        """Pass reports to *sink* in place of the observers: in a process that ends soon."""
        self._sink = sink

    def notify(self, method: str, report: Report) -> None:
        """Call *method* of each observer with *report*, and log what it raises once."""
        (self._sink or self._call)(method, report)

    def flush(self) -> None:
        """Make each observer send what it has collected: the process ends."""
        self._call("flush", FLUSH_SECONDS)

    def _call(self, method: str, argument: object) -> None:
        for observer, call in self._calls[method]:
            try:
                call(argument)
            except Exception as error:  # noqa: BLE001 - the program's code changes no outcome.
                self._log_once(observer, method, error)

    def _attempted(
        self,
        method: str,
        attempt: HandlerAttempt,
        outcome: str,
        error: str = "",
        place: str = "",
        text: str = "",
    ) -> None:
        fields = (
            *(self.receiver, self._sender, attempt.event),
            *(attempt.fingerprint, attempt.handler, attempt.queue, attempt.attempt),
            *(outcome, attempt.duration, error, place, attempt.next_attempt, text),
        )
        self.notify(method, new_tuple(AttemptReport, fields))

    def _log_once(self, observer: Observer, method: str, error: Exception) -> None:
        name = f"{type(observer).__module__}:{type(observer).__qualname__}.{method}"
        if name not in self._logged:
            self._logged.add(name)
            log_observer_failure(name, error)


def _without_text(call: Callable[[AttemptReport], None], report: AttemptReport) -> None:
    """Call *call* with *report* without the text of the error, which it has not asked for."""
    call(report._replace(text="") if report.text else report)
