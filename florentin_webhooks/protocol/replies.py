"""Write the reply for an outcome, in Florentin's own convention for bodies.

``{"data": {"outcome", "delivery"}, "meta": {}}`` for what went well, and
``{"error": {"code", "message"}}`` for what did not. A message belongs to the outcome and never to
the request, so that nothing is echoed and all refusals of a kind are equal to the byte.
"""

from __future__ import annotations

from florentin_webhooks.errors import Unavailable, WebhookError
from florentin_webhooks.protocol.delivery import Outcome, Reply

__all__ = ["error", "retry_after", "success"]

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

_HEADERS: tuple[tuple[str, str], ...] = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
)
_ERRORS = {
    outcome: b'{"error":{"code":"%s","message":"%s"}}' % (outcome.encode(), message.encode())
    for outcome, message in _MESSAGES.items()
}
_STATUS = {outcome: outcome.status for outcome in Outcome}
_SETTLED = {
    outcome: b'{"data":{"outcome":"%s","delivery":"%%s"},"meta":{}}' % outcome.encode()
    for outcome in Outcome
    if outcome not in _MESSAGES
}


def success(outcome: Outcome, fingerprint: str) -> Reply:
    """Tell the sender that the delivery is taken care of and need not be sent again."""
    return Reply(outcome, _STATUS[outcome], _HEADERS, _SETTLED[outcome] % fingerprint.encode())


def error(outcome: Outcome, cause: WebhookError | None = None) -> Reply:
    """Tell the sender the outcome and nothing of why."""
    headers = _HEADERS
    if outcome is Outcome.METHOD_NOT_ALLOWED:
        headers = (*headers, ("Allow", "POST"))
    if isinstance(cause, Unavailable):
        headers = (*headers, ("Retry-After", str(cause.retry_after)))
    return Reply(outcome, outcome.status, headers, _ERRORS[outcome], cause)


def retry_after(outcome: Outcome, seconds: int, cause: WebhookError | None = None) -> Reply:
    """Ask the sender to come back after *seconds*."""
    reply = error(outcome, cause)
    headers = (*reply.headers, ("Retry-After", str(seconds)))
    return Reply(outcome, reply.status, headers, reply.body, cause)
