"""Spans that are the current one while they last, and the trace that a job carries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from opentelemetry import context, trace
from opentelemetry.trace import Link, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from florentin_webhooks.opentelemetry.attributes import ERROR_TYPE, OUTCOME

if TYPE_CHECKING:
    from opentelemetry.context import Context

__all__ = ["CurrentSpan", "carry", "links_of", "parent_of", "trace_with_first"]

_FIRST = "first"
_FAILED = frozenset({"failed", "handler-failed", "dead", "error", "unavailable"})
# W3C's headers, also where the program sends others: only our own workers read them.
_PROPAGATOR = TraceContextTextMapPropagator()


class CurrentSpan:
    """A *span* that is the current one until it ends; the next attempt carries *trace*."""

    def __init__(self, span: trace.Span, carried: str = "") -> None:
        self.span = span
        self.trace = carried
        self._token = context.attach(trace.set_span_in_context(span))

    def end(self, outcome: str, error: str = "", /) -> None:
        """End the span; no text of an exception is kept, since it may quote a payload."""
        context.detach(self._token)
        self.span.set_attribute(OUTCOME, outcome)
        if error or outcome in _FAILED:
            self.span.set_attribute(ERROR_TYPE, error or outcome)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


def carry() -> str:
    """Return the current trace as a JSON object; empty without one."""
    fields: dict[str, str] = {}
    _PROPAGATOR.inject(fields)
    return json.dumps(fields) if fields else ""


def parent_of(carried: str) -> Context:
    """Return the context in which a job that carries *carried* runs; a new one without it."""
    return _PROPAGATOR.extract(_read(carried), context=context.Context())


def links_of(carried: str) -> list[Link]:
    """Return a link to the first attempt, where this is another one."""
    fields = {"traceparent": _read(carried).get(_FIRST, "")}
    found = trace.get_current_span(_PROPAGATOR.extract(fields, context=context.Context()))
    first = found.get_span_context()
    return [Link(first, {"florentin_webhooks.link": "first attempt"})] if first.is_valid else []


def trace_with_first(carried: str, span: trace.Span) -> str:
    """Return *carried* with *span* as the first attempt, unless it has one."""
    fields = _read(carried)
    own: dict[str, str] = {}
    _PROPAGATOR.inject(own, trace.set_span_in_context(span))
    if _FIRST not in fields and own:
        fields[_FIRST] = own["traceparent"]
    return json.dumps(fields) if fields else ""


def _read(carried: str) -> dict[str, str]:
    """Return the fields of *carried*; none where it is not what we write."""
    try:
        fields: object = json.loads(carried or "{}")
    except ValueError:
        return {}
    if not isinstance(fields, dict):
        return {}
    found = cast("dict[str, object]", fields)
    return {name: value for name, value in found.items() if isinstance(value, str)}
