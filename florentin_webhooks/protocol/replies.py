"""Replies for outcomes, as JSON.

``{"data": {"outcome", "delivery"}, "meta": {}}`` on success (``meta`` has ``spooled`` where the
delivery waits for the store), and
``{"error": {"code", "message"}}`` on failure. A message depends on the outcome and never on the
request, so nothing is echoed and all refusals of a kind are identical to the byte.
"""

from __future__ import annotations

from typing import Any

from florentin_webhooks.errors import Unavailable, WebhookError
from florentin_webhooks.protocol.delivery import Outcome, Reply
from florentin_webhooks.protocol.frozen import draft_class

__all__ = ["JSON_HEADERS", "error", "retry_after", "spooled", "success"]

_MESSAGES = {
    Outcome.MALFORMED: "the body is not an event",
    Outcome.STALE: "the event is outside the accepted window",
    Outcome.INVALID_SIGNATURE: "the signature is not valid",
    Outcome.METHOD_NOT_ALLOWED: "deliveries are sent with POST",
    Outcome.READ_TIMEOUT: "the body did not arrive in time",
    Outcome.IN_PROGRESS: "the delivery is being processed",
    Outcome.TOO_LARGE: "the body is too large",
    Outcome.UNSUPPORTED_ENCODING: "the body must not be compressed",
    Outcome.INVALID_EVENT: "the event does not fit its model",
    Outcome.BODY_UNAVAILABLE: "the body could not be read",
    Outcome.HANDLER_FAILED: "the event was not processed",
    Outcome.UNAVAILABLE: "try again later",
}

# No Cache-Control: without a freshness of its own no cache keeps a reply to POST (RFC 9110, 9.3.3),
# and it costs 1.5 % of a delivery, for which uvicorn checks each header by two regular expressions.
JSON_HEADERS: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
_TO_OTHER_METHODS = (("Allow", "POST"), ("Cache-Control", "no-store"))
_ERRORS = {
    outcome: b'{"error":{"code":"%s","message":"%s"}}' % (outcome.encode(), message.encode())
    for outcome, message in _MESSAGES.items()
}
_SUCCESSES = {
    outcome: (
        outcome.status,
        b'{"data":{"outcome":"%s","delivery":"%%s"},"meta":{}}' % outcome.encode(),
    )
    for outcome in Outcome
    if outcome not in _MESSAGES
}

_Draft = draft_class(Reply)
_SPOOLED = b'{"data":{"outcome":"accepted","delivery":"%s"},"meta":{"spooled":true}}'


def success(outcome: Outcome, fingerprint: str) -> Reply:
    """Return the reply for a delivery that must not be sent again."""
    status, body = _SUCCESSES[outcome]
    draft: Any = _Draft()  # As Reply(...), at half of the time.
    draft.outcome = outcome
    draft.status = status
    draft.headers = JSON_HEADERS
    draft.body = body % fingerprint.encode()
    draft.error = None
    draft.__class__ = Reply
    reply: Reply = draft
    return reply


def spooled(fingerprint: str) -> Reply:
    """Return the reply for a delivery that waits on the receiver's disk for its store."""
    body = _SPOOLED % fingerprint.encode()
    return Reply(Outcome.ACCEPTED, Outcome.ACCEPTED.status, JSON_HEADERS, body)


def error(outcome: Outcome, cause: WebhookError | None = None) -> Reply:
    """Return the reply for a failure: the outcome without its cause."""
    headers = JSON_HEADERS
    if outcome is Outcome.METHOD_NOT_ALLOWED:
        headers = (*headers, *_TO_OTHER_METHODS)
    if isinstance(cause, Unavailable):
        headers = (*headers, ("Retry-After", str(cause.retry_after)))
    return Reply(outcome, outcome.status, headers, _ERRORS[outcome], cause)


def retry_after(outcome: Outcome, seconds: int, cause: WebhookError | None = None) -> Reply:
    """Return the reply that asks the sender to retry after *seconds*."""
    reply = error(outcome, cause)
    headers = (*reply.headers, ("Retry-After", str(seconds)))
    return Reply(outcome, reply.status, headers, reply.body, cause)
