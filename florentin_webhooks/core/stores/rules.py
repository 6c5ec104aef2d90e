"""State-machine rules shared by the Python stores (memory and Django).

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
    """Decide what the caller must do with a delivery whose record is in *state*.

    *state* is None without a record. *token* holds its lease for another *wait* seconds.
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
    """The state of a guard: its lease, and its watermark or that it is done."""

    token: bytes = b""
    lease_expires_at: float = 0
    watermark: int = -1
    done: bool = False


def decide_guard(state: GuardState, operation: Once | Latest, now: float) -> GuardGrant:
    """Decide whether the caller may run the block, and update *state*."""
    if state.done:
        return GuardGrant(GuardDecision.DONE)
    if operation.step is GuardStep.BEGIN:
        return _begin(state, operation, now)
    if state.token == operation.token:
        _end(state, operation)
    return GuardGrant(GuardDecision.RUN)


def _begin(state: GuardState, operation: Once | Latest, now: float) -> GuardGrant:
    if isinstance(operation, Latest) and operation.timestamp < state.watermark:
        return GuardGrant(GuardDecision.SUPERSEDED)
    if state.token not in (b"", operation.token) and state.lease_expires_at > now:
        return GuardGrant(GuardDecision.BUSY, state.lease_expires_at - now)
    state.token, state.lease_expires_at = operation.token, now + operation.seconds
    return GuardGrant(GuardDecision.RUN)


def _end(state: GuardState, operation: Once | Latest) -> None:
    state.token = b""
    if operation.step is not GuardStep.DONE:
        return
    if isinstance(operation, Latest):
        state.watermark = max(state.watermark, operation.timestamp)
    else:
        state.done = True
