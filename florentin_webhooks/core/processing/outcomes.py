"""Turn what the store said, and how the handlers ended, into the reply."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import HandlerFailed, InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.protocol.headers import get_all

if TYPE_CHECKING:
    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.processing.runner import HandlerRunner
    from florentin_webhooks.core.stores.accept import Claim
    from florentin_webhooks.errors import Rejected, StaleDelivery
    from florentin_webhooks.protocol.delivery import Reply
    from florentin_webhooks.protocol.headers import Headers

__all__ = ["rejection_reason", "reply_for_claim", "reply_for_run"]


def reply_for_claim(claim: Claim, stale: StaleDelivery | None) -> Reply | None:
    """Give the reply where the store's memory decides it."""
    if claim.verdict is AcceptDecision.DUPLICATE:
        return replies.success(Outcome.DUPLICATE, claim.key.hex())
    if claim.verdict is AcceptDecision.QUEUED:
        return replies.success(Outcome.ACCEPTED, claim.key.hex())
    if claim.verdict is AcceptDecision.IN_PROGRESS:
        return replies.retry_after(Outcome.IN_PROGRESS, ceil(claim.wait))
    if claim.verdict is AcceptDecision.STALE:
        return replies.error(Outcome.STALE, stale)
    return None


def reply_for_run(state: State, run: HandlerRunner, lease: Lease) -> Reply:
    """Give the reply after inline handlers have run and the delivery was left in *state*."""
    if run.failures:
        return _failed(run)
    if state is State.LOST:
        return replies.retry_after(Outcome.IN_PROGRESS, ceil(lease.store.lease.total_seconds()))
    outcome = Outcome.ACCEPTED if state is State.QUEUED else Outcome.PROCESSED
    return replies.success(outcome, lease.key)


def rejection_reason(error: Rejected, headers: Headers, body: bytes) -> str:
    """Give for the log why a delivery was refused, with what points to the cause."""
    reason = str(error)
    declared = get_all(headers, "content-length")
    if isinstance(error, InvalidSignature) and declared and declared != [str(len(body))]:
        reason += (
            f" (Content-Length {declared[0][:20]!a}, {len(body)} bytes arrived: did a "
            "middleware change the body?)"
        )
    if isinstance(error, MalformedDelivery):
        reason += f" ({fingerprint(body).hex()})"
    return reason


def _failed(run: HandlerRunner) -> Reply:
    raised = BaseExceptionGroup("handlers failed", [failure.error for failure in run.failures])
    error = HandlerFailed(raised)
    if run.retry_after is not None:
        return replies.retry_after(Outcome.HANDLER_FAILED, ceil(run.retry_after), error)
    return replies.error(Outcome.HANDLER_FAILED, error)
