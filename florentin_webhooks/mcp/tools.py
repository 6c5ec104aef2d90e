"""The tools: their names, arguments and descriptions, for agents to read."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import Field

from florentin_webhooks.mcp import changes, development, inspection
from florentin_webhooks.mcp.answers import (
    ActionResult,
    DeliveryList,
    DoctorReport,
    Explanation,
    GeneratedCode,
    SentDeliveries,
    Verification,
)
from florentin_webhooks.mcp.desk import Desk, ToolFailure

__all__ = ["Toolbox"]

_LONGEST_BODY = 2_000_000

Name = Annotated[
    str, Field(max_length=200, description="A fingerprint, its first digits, or a delivery id.")
]
State = Annotated[
    str,
    Field(
        max_length=30,
        description="done, failed, dead, queued, scheduled, running, stale or invalid; empty: any.",
    ),
]
Event = Annotated[str, Field(max_length=200, description="Such as invoice.created; empty: any.")]
Text = Annotated[
    str, Field(max_length=200, description="A part of an id, an event or a reason; empty: any.")
]
Limit = Annotated[int, Field(ge=1, le=inspection.MOST_LISTED)]
Older = Annotated[str, Field(max_length=100, description="The value of older of the page before.")]
Headers = Annotated[dict[str, str], Field(description="All headers of the request, as captured.")]
Body = Annotated[
    str, Field(max_length=_LONGEST_BODY, description="The body, every character as captured.")
]
Data = Annotated[
    dict[str, Any] | None,  # Any: JSON.
    Field(description="Fields of the payload that differ from the sample, nested as in JSON."),
]
Fault = Annotated[
    str,
    Field(
        max_length=30,
        description="none, duplicate, re-stamped, tampered, stale or wrong secret.",
    ),
]


class Toolbox:
    """The tools over *desk*; the docstring of each one is its description."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list_deliveries(
        self,
        state: State = "",
        event: Event = "",
        text: Text = "",
        limit: Limit = 20,
        older: Older = "",
    ) -> DeliveryList:
        """List and search the deliveries of the receiver, the newest first.

        Shows what each one did: its state, its handlers, and why it failed. Requests with an
        invalid signature are not stored; check those with verify_request.
        """
        return inspection.list_deliveries(self._desk, state, event, text, limit, older)

    def explain_delivery(self, delivery: Name) -> Explanation:
        """Explain one delivery: why it was refused or has failed, and when it is tried again.

        Shows each check, each handler with its attempts, and what to do about it.
        """
        return inspection.explain_delivery(self._desk, delivery)

    def verify_request(
        self, headers: Headers, body: Body = "", body_base64: Body = "", url: Text = ""
    ) -> Verification:
        """Check the signature of a captured request, and name the likely causes of a failure.

        Pass a body that is not text as body_base64. Senders that sign their URL need the url that
        they called. Nothing is stored, and no handler runs.
        """
        return self._desk.verify(headers, _decode(body, body_base64), url or None)

    def generate_handler(self, delivery: Name) -> GeneratedCode:
        """Write the beginning of a handler, and a pytest that replays a delivery to it.

        Nothing is written to a file. The test has the shape of the captured body.
        """
        return development.generate_code(self._desk, delivery)

    def run_doctor(self) -> DoctorReport:
        """Check why deliveries fail: secrets, handlers, store, queues, workers and the program."""
        findings = [*self._desk.doctor()]
        return DoctorReport(all(each.state != "fail" for each in findings), findings)

    def trigger_event(
        self, event: Text, data: Data = None, fault: Fault = "none"
    ) -> SentDeliveries:
        """Send a signed event to the receiver that `florentin-webhooks dev` serves here.

        Its handlers run. A fault shows how the receiver answers a duplicate or a forged request.
        """
        return development.trigger_event(self._desk, event, data or {}, fault)

    def requeue_delivery(
        self,
        delivery: Name,
        all_handlers: bool = False,
        though_late: bool = False,
    ) -> ActionResult:
        """Run the handlers of a delivery that have not finished, in the program as it is now.

        Handlers of a queue run in its workers, which must be restarted after a change. With
        all_handlers those that are done run again, too; though_late runs a stale delivery that
        may have run before. Ask a person before either.
        """
        return changes.requeue_delivery(
            self._desk,
            delivery,
            all_handlers=all_handlers,
            though_late=though_late,
        )

    def discard_delivery(self, delivery: Name) -> ActionResult:
        """Discard a delivery for good: its body is deleted, and its handlers never run.

        Ask a person before.
        """
        return changes.discard_delivery(self._desk, delivery)


def _decode(body: str, body_base64: str) -> bytes:
    if not body_base64:
        return body.encode()
    try:
        return base64.b64decode(body_base64, validate=True)
    except binascii.Error:
        raise ToolFailure(
            "body_base64 is not base64.", "Pass the bytes of the body, encoded by base64."
        ) from None
