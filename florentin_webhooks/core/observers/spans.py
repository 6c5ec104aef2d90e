"""Spans of requests, jobs and attempts; what the tracer raises is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from florentin_webhooks.core.log import log_observer_failure
from florentin_webhooks.core.observer import JobStart, Span, Tracer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["SafeTracer"]

A = TypeVar("A")


class _NoSpan:
    """The span of a tracer that has failed."""

    trace = ""

    def end(self, outcome: str, error: str = "", /) -> None:
        """Do nothing."""


class SafeTracer:
    """A *tracer* whose errors are logged once and change nothing."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._has_failed = False

    async def trace_request(
        self, receiver: str, sender: str, receiving: Coroutine[Any, Any, Reply]
    ) -> Reply:
        """Return the reply of *receiving*, which runs within a span."""
        span, outcome = self._begin(lambda: self._tracer.begin_request(receiver, sender)), "error"
        try:
            reply = await receiving
            outcome = reply.outcome.value
        finally:
            self.end(span, outcome)
        return reply

    async def trace_job(
        self,
        job: JobStart,
        running: Coroutine[Any, Any, A],
        describe: Callable[[A], tuple[str, str]],
    ) -> tuple[A, str]:
        """Return the result of *running*, within a span, and what the next attempt carries.

        *describe* returns the outcome of a result, and the type of its error if it failed.
        """
        span, outcome, error = self._begin(lambda: self._tracer.begin_job(job)), "error", ""
        trace = self._call(lambda: span.trace) or job.trace
        try:
            result = await running
            outcome, error = describe(result)
        finally:
            self.end(span, outcome, error)
        return result, trace

    async def trace_attempt(
        self,
        handler: str,
        queue: str,
        running: Awaitable[A],
        describe: Callable[[A], tuple[str, str]],
    ) -> A:
        """Return the result of *running*, an attempt of *handler*, within a span."""
        span = self._begin(lambda: self._tracer.begin_attempt(handler, queue))
        outcome, error = "cancelled", ""
        try:
            result = await running
            outcome, error = describe(result)
        finally:
            self.end(span, outcome, error)
        return result

    def end(self, span: Span, outcome: str, error: str = "") -> None:
        """End *span*."""
        self._call(lambda: span.end(outcome, error))

    def carry(self) -> str:
        """Return what a job carries, or an empty text."""
        return self._call(self._tracer.carry) or ""

    def _begin(self, begin: Callable[[], Span]) -> Span:
        return self._call(begin) or _NoSpan()

    def _call(self, function: Callable[[], A]) -> A | None:
        try:
            return function()
        except Exception as error:  # noqa: BLE001 - a tracer changes no outcome.
            if not self._has_failed:
                self._has_failed = True
                kind = type(self._tracer)
                log_observer_failure(f"{kind.__module__}:{kind.__qualname__}", error)
        return None
