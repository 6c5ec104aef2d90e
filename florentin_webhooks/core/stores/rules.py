"""Judge what is to be done with what has come: the same in every store that thinks in Python.

Times are in seconds of the store's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import Verdict
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import Latest, Once, Permission, Permit, Step

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Accept

__all__ = ["Guarded", "judge", "permit"]


def judge(accept: Accept, state: State | None, token: bytes = b"", wait: float = 0) -> Verdict:
    """Give what is to be done where the record is in *state*, None where there is none.

    *token* holds its lease for another *wait* seconds.
    """
    if state is State.DONE:
        return Verdict.DUPLICATE
    if state is State.RUNNING and wait > 0:
        return Verdict.RUN if token == accept.token else Verdict.IN_PROGRESS
    if not accept.fresh and state in (None, State.STALE):
        return Verdict.STALE
    return Verdict.RUN if accept.valid else Verdict.INVALID


@dataclass(slots=True)
class Guarded:
    """Hold who is inside until when, and what was reached: a watermark, or that it is done."""

    token: bytes = b""
    until: float = 0
    watermark: int = -1
    done: bool = False


def permit(guarded: Guarded, operation: Once | Latest, now: float) -> Permit:
    """Give what the one who asks may do, and change *guarded* to what it is from here on."""
    if guarded.done:
        return Permit(Permission.DONE)
    if operation.step is Step.BEGIN:
        return _begin(guarded, operation, now)
    if guarded.token == operation.token:
        _end(guarded, operation)
    return Permit(Permission.RUN)


def _begin(guarded: Guarded, operation: Once | Latest, now: float) -> Permit:
    if isinstance(operation, Latest) and operation.timestamp < guarded.watermark:
        return Permit(Permission.SUPERSEDED)
    if guarded.token not in (b"", operation.token) and guarded.until > now:
        return Permit(Permission.BUSY, guarded.until - now)
    guarded.token, guarded.until = operation.token, now + operation.seconds
    return Permit(Permission.RUN)


def _end(guarded: Guarded, operation: Once | Latest) -> None:
    guarded.token = b""
    if operation.step is not Step.DONE:
        return
    if isinstance(operation, Latest):
        guarded.watermark = max(guarded.watermark, operation.timestamp)
    else:
        guarded.done = True
