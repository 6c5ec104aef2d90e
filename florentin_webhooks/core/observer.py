"""The port of observers: what metrics, traces and pages learn of deliveries and their handlers.

Reports are frozen values. None has a body, a secret, a signature or a header; the text of an error,
which may quote a body, is for observers that ask for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.protocol.delivery import Outcome

__all__ = [
    "AttemptReport",
    "DeadReport",
    "DeliveryReport",
    "JobStart",
    "Observer",
    "Span",
    "Tracer",
]


class DeliveryReport(NamedTuple):
    """A request that was answered with *outcome*.

    *receiver* is the name or the import path of the receiver, *sender* the name of its sender.
    *reason* is why it was refused, as in the log. *duration* is in seconds, None where a mount
    refused the request before it was read. The others are empty, and None, where the request is
    not known to be genuine: *secret* is the name of the one that matched, *fingerprint* that of
    the record, *sent_at* the signed time, *received_at* the time of arrival. *event* is a name
    that the sender chose, and has no known end of values.
    """

    receiver: str
    sender: str
    outcome: Outcome
    duration: float | None
    event: str = ""
    fingerprint: str = ""
    secret: str = ""
    sent_at: datetime | None = None
    received_at: datetime | None = None
    reason: str = ""


class AttemptReport(NamedTuple):
    """An attempt of one handler that has ended after *duration* seconds.

    *outcome* is ``done``, ``discarded``, ``superseded``, ``scheduled`` (RetryLater) or ``failed``;
    *error* the type of what it raised, and *place* the file and line. *queue* is empty for an
    inline handler, *attempt* counts from 1, *next_attempt* is the time of the next one if known.
    Of a delivery that is a list, *handler* ends with the place of the item, ``[3]``. *text* is the
    beginning of the error's text, which may quote the body: it is empty unless the observer has an
    attribute ``reads_error_text`` that is true.
    """

    receiver: str
    sender: str
    event: str
    fingerprint: str
    handler: str
    queue: str
    attempt: int
    outcome: str
    duration: float
    error: str = ""
    place: str = ""
    next_attempt: datetime | None = None
    text: str = ""


class DeadReport(NamedTuple):
    """A queue's part of a delivery, whose last attempt has failed for *reason*."""

    receiver: str
    sender: str
    event: str
    fingerprint: str
    queue: str
    attempts: int
    reason: str


class JobStart(NamedTuple):
    """The start of a job: attempt *attempt* of *queue*'s part of a delivery.

    *trace* is what :meth:`Tracer.carry` wrote when the job was pushed, or what the span of an
    earlier attempt added to it; empty for a job of a process without a tracer.
    """

    receiver: str
    queue: str
    fingerprint: str
    attempt: int
    trace: str


class Span(Protocol):
    """A span that has begun, and that is the current one until it ends."""

    @property
    def trace(self) -> str:
        """What the job of the next attempt carries."""
        ...

    def end(self, outcome: str, error: str = "", /) -> None:
        """End the span with *outcome*; *error* is the type of what was raised."""
        ...


@runtime_checkable
class Tracer(Protocol):
    """An observer with spans; optional. What its methods raise is logged once, as elsewhere."""

    def begin_request(self, receiver: str, sender: str, /) -> Span:
        """Begin the span of a request, within that of the web framework if it has one."""
        ...

    def begin_job(self, job: JobStart, /) -> Span:
        """Begin the span of a job, which belongs to the trace of its request."""
        ...

    def begin_attempt(self, handler: str, queue: str, /) -> Span:
        """Begin the span of an attempt of *handler*."""
        ...

    def carry(self) -> str:
        """Return a JSON object from which a worker continues the trace, or an empty text."""
        ...


@runtime_checkable
class Observer(Protocol):
    """An observer of a receiver, in every process that uses it; derive from it, and override.

    It is called where the delivery is processed, so it must not wait; for the jobs of a worker
    that forks, in the worker after each job. What it raises is logged once, and changes nothing.
    """

    def accepted(self, report: DeliveryReport, /) -> None:
        """Observe a genuine delivery: handled, queued, or ignored, since no handler wants it.

        Its inline handlers may have failed: the outcome is then ``handler-failed``.
        """
        del report

    def duplicate(self, report: DeliveryReport, /) -> None:
        """Observe a delivery that was accepted before, or that another process handles now."""
        del report

    def refused(self, report: DeliveryReport, /) -> None:
        """Observe a request that was refused, or that the store could not record."""
        del report

    def handled(self, report: AttemptReport, /) -> None:
        """Observe an attempt of a handler that did not fail."""
        del report

    def failed(self, report: AttemptReport, /) -> None:
        """Observe an attempt of a handler that failed."""
        del report

    def dead(self, report: DeadReport, /) -> None:
        """Observe a delivery that is dead in a queue."""
        del report

    def flush(self, seconds: float, /) -> None:
        """Send what is collected, within *seconds*: a process that has run a job ends."""
        del seconds
