"""Turn what the store said, and how the handlers ended, into the reply."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import Verdict
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import HandlerFailed, InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.protocol.headers import find

if TYPE_CHECKING:
    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.processing.runner import Run
    from florentin_webhooks.core.stores.accept import Claim
    from florentin_webhooks.errors import Rejected, StaleDelivery
    from florentin_webhooks.protocol.delivery import Reply
    from florentin_webhooks.protocol.headers import Headers

__all__ = ["ran", "reason_of", "told"]


def told(claim: Claim, stale: StaleDelivery | None) -> Reply | None:
    """Give the reply where the store's memory decides it."""
    if claim.verdict is Verdict.DUPLICATE:
        return replies.settled(Outcome.DUPLICATE, claim.key.hex())
    if claim.verdict is Verdict.QUEUED:
        return replies.settled(Outcome.ACCEPTED, claim.key.hex())
    if claim.verdict is Verdict.IN_PROGRESS:
        return replies.retry_later(Outcome.IN_PROGRESS, ceil(claim.wait))
    if claim.verdict is Verdict.STALE:
        return replies.refused(Outcome.STALE, stale)
    return None


def ran(state: State, run: Run, lease: Lease) -> Reply:
    """Give the reply after inline handlers have run and the delivery was left in *state*."""
    if run.failures:
        return _failed(run)
    if state is State.LOST:
        return replies.retry_later(Outcome.IN_PROGRESS, ceil(lease.store.lease.total_seconds()))
    outcome = Outcome.ACCEPTED if state is State.QUEUED else Outcome.PROCESSED
    return replies.settled(outcome, lease.key)


def reason_of(error: Rejected, headers: Headers, body: bytes) -> str:
    """Give for the log why a delivery was refused, with what points to the cause."""
    reason = str(error)
    declared = find(headers, "content-length")
    if isinstance(error, InvalidSignature) and declared and declared != [str(len(body))]:
        reason += (
            f" (Content-Length {declared[0][:20]!a}, {len(body)} bytes arrived: did a "
            "middleware change the body?)"
        )
    if isinstance(error, MalformedDelivery):
        reason += f" ({fingerprint(body).hex()})"
    return reason


def _failed(run: Run) -> Reply:
    raised = BaseExceptionGroup("handlers failed", [failure.error for failure in run.failures])
    error = HandlerFailed(raised)
    if run.postponed is not None:
        return replies.retry_later(Outcome.HANDLER_FAILED, ceil(run.postponed), error)
    return replies.refused(Outcome.HANDLER_FAILED, error)
