"""Judge what is to be done with what has come: the same in every store that thinks in Python.

Times are in seconds of the store's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Accept

__all__ = ["GuardState", "decide_accept", "decide_guard"]


def decide_accept(
    accept: Accept, state: State | None, token: bytes = b"", wait: float = 0
) -> AcceptDecision:
    """Give what is to be done where the record is in *state*, None where there is none.

    *token* holds its lease for another *wait* seconds.
    """
    if state is State.DONE:
        return AcceptDecision.DUPLICATE
    if state is State.RUNNING and wait > 0:
        return AcceptDecision.RUN if token == accept.token else AcceptDecision.IN_PROGRESS
    if not accept.fresh and state in (None, State.STALE):
        return AcceptDecision.STALE
    return AcceptDecision.RUN if accept.valid else AcceptDecision.INVALID


@dataclass(slots=True)
class GuardState:
    """Hold who is inside until when, and what was reached: a watermark, or that it is done."""

    token: bytes = b""
    lease_expires_at: float = 0
    watermark: int = -1
    done: bool = False


def decide_guard(guarded: GuardState, operation: Once | Latest, now: float) -> GuardGrant:
    """Give what the one who asks may do, and change *guarded* to what it is from here on."""
    if guarded.done:
        return GuardGrant(GuardDecision.DONE)
    if operation.step is GuardStep.BEGIN:
        return _begin(guarded, operation, now)
    if guarded.token == operation.token:
        _end(guarded, operation)
    return GuardGrant(GuardDecision.RUN)


def _begin(guarded: GuardState, operation: Once | Latest, now: float) -> GuardGrant:
    if isinstance(operation, Latest) and operation.timestamp < guarded.watermark:
        return GuardGrant(GuardDecision.SUPERSEDED)
    if guarded.token not in (b"", operation.token) and guarded.lease_expires_at > now:
        return GuardGrant(GuardDecision.BUSY, guarded.lease_expires_at - now)
    guarded.token, guarded.lease_expires_at = operation.token, now + operation.seconds
    return GuardGrant(GuardDecision.RUN)


def _end(guarded: GuardState, operation: Once | Latest) -> None:
    guarded.token = b""
    if operation.step is not GuardStep.DONE:
        return
    if isinstance(operation, Latest):
        guarded.watermark = max(guarded.watermark, operation.timestamp)
    else:
        guarded.done = True
