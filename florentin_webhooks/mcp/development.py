"""Tools for writing handlers: send an event to ``dev``, and generate code from a delivery."""

from __future__ import annotations

import json
from dataclasses import replace
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector.simulation import Fault, Simulation
from florentin_webhooks.inspector.views.snippets import as_pytest, path_of
from florentin_webhooks.mcp.answers import GeneratedCode, SentDeliveries, SentDelivery
from florentin_webhooks.mcp.desk import ToolFailure
from florentin_webhooks.mcp.stub import HandlerStub
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.testing.captures import capture_record
from florentin_webhooks.testing.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.mcp.desk import Desk

__all__ = ["generate_code", "trigger_event"]

_REDACTED = (
    "Texts of the captured body were replaced by others of the same shape. "
    "Complete the handler, then run the test with pytest."
)
_PLAIN = "The test holds the captured body, which may be personal data. Complete the handler."


def trigger_event(
    desk: Desk,
    event: str,
    data: Mapping[str, Any],
    fault: str,  # Any: JSON.
) -> SentDeliveries:
    """Send *event* to ``dev``: its sample merged with *data*, signed, and with a *fault*."""
    url = desk.rights.dev_url
    target = next(iter(Simulation({desk.hooks: url}).targets.values()), None)
    if target is None:
        raise ToolFailure(
            f"{desk.hooks.sender.name} cannot be simulated here.",
            "Send a request that was captured, with the command of its page in the inspector.",
        )
    if fault not in set(Fault):
        raise ToolFailure(f"There is no fault {fault[:30]!r}.", f"Use one of: {', '.join(Fault)}.")
    _check_event(desk, event)
    body = target.provider().make(event, **data).body.decode("utf-8", "replace")
    try:
        responses = Simulation({desk.hooks: url}).send(target.name, event, body, Fault(fault))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ToolFailure(
            f"No answer from {url}: {reason}.",
            f"Start the receiver in a terminal: florentin-webhooks dev {path_of(desk.hooks)}",
        ) from None
    answers = [SentDelivery(each.status, each.outcome) for each in responses]
    return SentDeliveries(url, event, answers)


def generate_code(desk: Desk, delivery: str) -> GeneratedCode:
    """Return a handler to complete and a test, both from a delivery that has arrived."""
    record = desk.find(delivery)
    shown = record if desk.rights.bodies and record.body else _redact(record)
    stub = HandlerStub.of(desk.hooks, record.event, json.loads(shown.body))
    notes = _PLAIN if desk.rights.bodies else _REDACTED
    return GeneratedCode(stub.code(), as_pytest(desk.hooks, shown), notes)


def _redact(record: Record) -> Record:
    """Return *record* with a body of the same shape, without personal data."""
    try:
        capture = capture_record(record, Redaction(token_bytes(32)))
    except ConfigurationError as error:
        raise ToolFailure(error.message, "Choose a delivery whose body is kept, as JSON.") from None
    return replace(record, body=capture.content)


def _check_event(desk: Desk, event: str) -> None:
    known = desk.hooks.models
    if desk.hooks.sender is DEFAULT_SENDER and event not in known:
        match = closest_match(event, known)
        hint = f"Did you mean {match}?" if match else f"Use one of: {', '.join(known)}."
        raise ToolFailure(f"There is no event {event[:60]!r}.", hint)
