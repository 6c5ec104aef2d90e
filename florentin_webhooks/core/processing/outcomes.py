"""Decide the reply: from the error, from the store's claim, or from how the handlers ended."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import (
    HandlerFailed,
    InvalidSignature,
    MalformedDelivery,
    Unavailable,
)
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome, Reply
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.protocol.headers import get_all

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.processing.run_log import RunResult
    from florentin_webhooks.core.stores.accept import Claim
    from florentin_webhooks.errors import InvalidEvent, Rejected, StaleDelivery
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.base import Answer

__all__ = [
    "acknowledge",
    "rejection_reason",
    "reply_for_claim",
    "reply_for_error",
    "reply_for_run",
    "reply_with_answer",
    "reply_without_handlers",
]


def reply_for_error(error: Rejected | Unavailable) -> Reply:
    """Return the reply to a delivery that was rejected, or that could not be stored."""
    return replies.error(Outcome(error.code), error)


def reply_without_handlers(delivery: Delivery, stale: StaleDelivery | None) -> Reply:
    """Return the reply to a delivery that no handler wants; to a probe also if it is *stale*."""
    if stale is not None:
        return reply_for_error(stale)
    return replies.success(Outcome.IGNORED, delivery.fingerprint)


def reply_with_answer(answer: Answer) -> Reply:
    """Return the *answer* that the sender expects to a request of its own."""
    return Reply(
        Outcome.ANSWERED,
        answer.status,
        (("Content-Type", answer.content_type), ("Cache-Control", "no-store")),
        answer.body,
    )


async def acknowledge(processing: Awaitable[Reply], status: int) -> Reply:
    """Return the reply of *processing*, a success with the one *status* that its sender wants."""
    reply = await processing
    if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return reply
    return replace(
        reply, status=status, body=b"" if status == HTTPStatus.NO_CONTENT else reply.body
    )


def reply_for_claim(
    claim: Claim, stale: StaleDelivery | None, invalid: InvalidEvent | None = None
) -> Reply:
    """Return the reply where *claim* runs nothing; *stale* and *invalid* are what is wrong."""
    if claim.decision is AcceptDecision.DUPLICATE:
        return replies.success(Outcome.DUPLICATE, claim.key.hex())
    if claim.decision is AcceptDecision.QUEUED:
        return replies.success(Outcome.ACCEPTED, claim.key.hex())
    if claim.decision is AcceptDecision.IN_PROGRESS:
        return replies.retry_after(Outcome.IN_PROGRESS, ceil(claim.wait))
    if claim.decision is AcceptDecision.STALE:
        return replies.error(Outcome.STALE, stale)
    return replies.error(Outcome.INVALID_EVENT, invalid)


def reply_for_run(result: RunResult, lease: Lease) -> Reply:
    """Return the reply after inline handlers have run."""
    if result.failures:
        return _reply_for_failures(result)
    if result.state is State.LOST:
        return replies.retry_after(Outcome.IN_PROGRESS, ceil(lease.store.lease.total_seconds()))
    outcome = Outcome.ACCEPTED if result.state is State.QUEUED else Outcome.PROCESSED
    return replies.success(outcome, lease.key)


def rejection_reason(error: Rejected | Unavailable, headers: Headers, body: bytes) -> str:
    """Return for the log why a delivery was rejected, with what points to the cause."""
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


def _reply_for_failures(result: RunResult) -> Reply:
    raised = BaseExceptionGroup("handlers failed", [failure.error for failure in result.failures])
    error = HandlerFailed(raised)
    if result.retry_after is not None:
        return replies.retry_after(Outcome.HANDLER_FAILED, ceil(result.retry_after), error)
    return replies.error(Outcome.HANDLER_FAILED, error)
