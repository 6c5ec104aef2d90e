"""The observer that traces requests and jobs, and measures deliveries and attempts."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind

from florentin_webhooks.core.observer import Observer, Tracer
from florentin_webhooks.opentelemetry import attributes as names
from florentin_webhooks.opentelemetry.attributes import messaging
from florentin_webhooks.opentelemetry.instruments import Instruments
from florentin_webhooks.opentelemetry.spans import (
    CurrentSpan,
    carry,
    links_of,
    parent_of,
    trace_with_first,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from florentin_webhooks.core.observer import (
        AttemptReport,
        DeadReport,
        DeliveryReport,
        JobStart,
    )
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["Telemetry"]

_SCOPE = "florentin_webhooks"

_request: ContextVar[trace.Span | None] = ContextVar("request", default=None)


class Telemetry(Observer, Tracer):
    """Traces and metrics of *receivers*, which this registers itself with.

    They go to the global providers, unless you pass others. A job belongs to the trace of its
    request, and a retry has a link to the first attempt.
    """

    def __init__(
        self,
        *receivers: Receiver[object],
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracers, self._meters = tracer_provider, meter_provider
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        self._instruments = Instruments(metrics.get_meter(_SCOPE, "", meter_provider), receivers)
        for receiver in receivers:
            receiver.observe(self)

    def begin_request(self, receiver: str, sender: str, /) -> CurrentSpan:
        """Begin the span of a request."""
        attributes = {**messaging("receive", "receive", sender), names.RECEIVER: receiver}
        span = self._tracer.start_span(
            f"receive {sender}", kind=SpanKind.CONSUMER, attributes=attributes
        )
        _request.set(span)
        return CurrentSpan(span)

    def begin_job(self, job: JobStart, /) -> CurrentSpan:
        """Begin the span of a job."""
        attributes = {
            **messaging("process", "process", job.queue),
            names.RECEIVER: job.receiver,
            names.MESSAGE_ID: job.fingerprint,
        }
        span = self._tracer.start_span(
            f"process {job.queue}",
            context=parent_of(job.trace),
            kind=SpanKind.CONSUMER,
            attributes={**attributes, names.ATTEMPT: job.attempt},
            links=links_of(job.trace),
        )
        return CurrentSpan(span, trace_with_first(job.trace, span))

    def begin_attempt(self, handler: str, queue: str, /) -> CurrentSpan:
        """Begin the span of an attempt of a handler."""
        attributes = {names.HANDLER: handler, names.QUEUE: queue}
        return CurrentSpan(self._tracer.start_span(f"handle {handler}", attributes=attributes))

    def carry(self) -> str:
        """Return the current trace for a job."""
        return carry()

    def accepted(self, report: DeliveryReport, /) -> None:
        """Describe the delivery in its span, and count it."""
        self._instruments.count_delivery(report)
        span = _request.get()
        if span is not None and report.fingerprint:
            span.set_attributes({names.MESSAGE_ID: report.fingerprint, names.EVENT: report.event})

    duplicate = refused = accepted

    def handled(self, report: AttemptReport, /) -> None:
        """Count an attempt."""
        self._instruments.count_attempt(report)

    failed = handled

    def dead(self, report: DeadReport, /) -> None:
        """Count a dead delivery."""
        self._instruments.count_dead(report)

    def flush(self, seconds: float, /) -> None:
        """Export what is collected, where the provider can."""
        for provider in (
            self._tracers or trace.get_tracer_provider(),
            self._meters or metrics.get_meter_provider(),
        ):
            force_flush = getattr(provider, "force_flush", None)  # Of the SDK, not of the API.
            if force_flush is not None:
                force_flush(timeout_millis=int(seconds * 1000))
