"""What the tools answer: values that the protocol carries as JSON, with a schema of each.

Without slots: the SDK reads the defaults of fields from the class, and takes slots for such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = [
    "ActionResult",
    "Cause",
    "CheckAnswer",
    "DeliveryList",
    "DeliverySummary",
    "DoctorReport",
    "Explanation",
    "Finding",
    "GeneratedCode",
    "HandlerAnswer",
    "SentDeliveries",
    "SentDelivery",
    "Verification",
]


@dataclass(frozen=True)
class DeliverySummary:
    """A delivery in a list; *fingerprint* names it in all other tools. Times are ISO 8601, UTC."""

    fingerprint: str
    event: str
    state: str
    received_at: str
    delivery_id: str
    handlers_done: int
    handlers_failed: int
    handlers_waiting: int
    attempts: int
    reason: str


@dataclass(frozen=True)
class DeliveryList:
    """Deliveries, the newest first; pass *older* to see those before, empty at the end."""

    deliveries: Sequence[DeliverySummary]
    older: str = ""


@dataclass(frozen=True)
class CheckAnswer:
    """A check of the receiver: passed, failed, skipped or unknown, and the facts."""

    name: str
    result: str
    facts: str


@dataclass(frozen=True)
class HandlerAnswer:
    """How far a handler of a delivery is; *queue* is empty for an inline one."""

    name: str
    queue: str
    state: str
    reason: str
    attempts: int
    next_attempt: str


@dataclass(frozen=True)
class Explanation:
    """One delivery in full: what happened, why, and what to do.

    *body* is empty unless the server shows bodies, and once it is deleted; *size* is in bytes.
    """

    fingerprint: str
    event: str
    state: str
    summary: str
    advice: str
    receiver: str
    delivery_id: str
    received_at: str
    finished_at: str
    checks: Sequence[CheckAnswer]
    handlers: Sequence[HandlerAnswer]
    size: int
    body: str = field(default="", repr=False)


@dataclass(frozen=True)
class ActionResult:
    """What came of a change: whether it was *done*, and a sentence about it."""

    fingerprint: str
    done: bool
    outcome: str
    message: str


@dataclass(frozen=True)
class Cause:
    """A likely cause of an invalid signature, and what to do."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Verification:
    """Whether a configured secret has signed a request; *secret* is its name, never its value.

    *fingerprint* names the delivery in other tools, if the receiver has stored it.
    """

    valid: bool
    secret: str
    fingerprint: str
    reason: str
    causes: Sequence[Cause]


@dataclass(frozen=True)
class SentDelivery:
    """The answer of the receiver to one request."""

    status: int
    outcome: str


@dataclass(frozen=True)
class SentDeliveries:
    """The requests that were sent to *url*, in order."""

    url: str
    event: str
    answers: Sequence[SentDelivery]


@dataclass(frozen=True)
class GeneratedCode:
    """A handler to complete and a test that replays the delivery; *notes* say what to change."""

    handler: str
    test: str
    notes: str


@dataclass(frozen=True)
class Finding:
    """A check of ``doctor``: ok, warn, fail or skipped, and what to do."""

    name: str
    state: str
    message: str
    hint: str


@dataclass(frozen=True)
class DoctorReport:
    """All findings; *ok* is whether none has failed."""

    ok: bool
    findings: Sequence[Finding]
