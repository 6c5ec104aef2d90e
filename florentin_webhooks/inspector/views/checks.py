"""What was checked of a delivery, in the order of the checks, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.inspector.views.formats import moment, span
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders.base import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.inspector.trail import Arrival, Story

__all__ = ["Check", "CheckResult", "check_record", "check_refusal"]

_UNSIGNED = frozenset({Outcome.INVALID_SIGNATURE})
_UNREAD = frozenset(
    {
        Outcome.METHOD_NOT_ALLOWED,
        Outcome.READ_TIMEOUT,
        Outcome.TOO_LARGE,
        Outcome.UNSUPPORTED_ENCODING,
        Outcome.BODY_UNAVAILABLE,
    }
)


class CheckResult(StrEnum):
    """Whether a check has passed; unknown: what it needs is not kept."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class Check(NamedTuple):
    """A check, its result, and the facts."""

    name: str
    result: CheckResult
    text: str


def check_record(hooks: Receiver[object], record: Record, story: Story) -> list[Check]:
    """Return the checks of a delivery that is stored, so its signature was valid."""
    return [
        _signature(record),
        _freshness(hooks, record, story),
        _event(record),
        Check("Identity", CheckResult.PASSED, _identity(record, story)),
    ]


def check_refusal(arrival: Arrival) -> list[Check]:
    """Return the checks of a request that was refused and not stored."""
    return [*_refusal_checks(arrival)]


def _refusal_checks(arrival: Arrival) -> Iterator[Check]:
    outcome, reason = arrival.report.outcome, arrival.report.reason
    if outcome in _UNREAD:
        yield Check("Request", CheckResult.FAILED, reason)
        yield Check("Signature", CheckResult.SKIPPED, "Nothing is verified before it is read.")
        return
    yield Check("Request", CheckResult.PASSED, "Method, size and encoding are fine.")
    if outcome in _UNSIGNED:
        yield Check("Signature", CheckResult.FAILED, reason)
        yield Check("Event", CheckResult.SKIPPED, "A body without a valid signature is not parsed.")
    elif outcome is Outcome.MALFORMED:
        yield Check("Signature", CheckResult.PASSED, "A configured secret has signed the body.")
        yield Check("Event", CheckResult.FAILED, reason)
    else:
        yield Check("Store", CheckResult.FAILED, reason)


def _signature(record: Record) -> Check:
    key = f", key id {record.key_id}" if record.key_id else ""
    if not record.secret:
        return Check("Signature", CheckResult.PASSED, f"A configured secret has signed it{key}.")
    return Check("Signature", CheckResult.PASSED, f"Signed with the secret {record.secret}{key}.")


def _freshness(hooks: Receiver[object], record: Record, story: Story) -> Check:
    signed_at = _signed_at(hooks, record, story)
    result = CheckResult.FAILED if record.state is State.STALE else CheckResult.PASSED
    if signed_at is None or record.received_at is None:
        is_known = record.state is State.STALE
        text = record.reasons.get("", "") if is_known else "The signed time is not stored."
        return Check("Age", result if is_known else CheckResult.UNKNOWN, text)
    age = record.received_at - signed_at
    relation = "before" if age >= timedelta(0) else "after"
    difference = span(abs(age.total_seconds()))
    facts = f"Signed at {moment(signed_at)}, {difference} {relation} it arrived."
    reason = record.reasons.get("", "") if record.state is State.STALE else ""
    return Check("Age", result, f"{facts} {reason}".strip())


def _signed_at(hooks: Receiver[object], record: Record, story: Story) -> datetime | None:
    if story.arrivals and story.arrivals[0].report.sent_at:
        return story.arrivals[0].report.sent_at
    if not record.body or record.received_at is None:
        return None
    metadata = Metadata(record.secret, record.received_at, record.delivery_id, record.event)
    try:
        return hooks.sender.parse(record.body, metadata).signed_at
    except MalformedDelivery:
        return None


def _event(record: Record) -> Check:
    if record.state is State.INVALID:
        return Check("Event", CheckResult.FAILED, record.reasons.get("", "Its model refuses it."))
    return Check("Event", CheckResult.PASSED, f"The body is a valid {record.event}.")


def _identity(record: Record, story: Story) -> str:
    first = f"First seen at {moment(record.received_at)}."
    if not story.repeats:
        return f"{first} No duplicate has come since this program started."
    times = "once" if story.repeats == 1 else f"{story.repeats} times"
    return f"{first} It came again {times}, and nothing ran again."
