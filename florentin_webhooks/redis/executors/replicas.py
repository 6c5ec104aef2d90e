"""Wait until replicas have what a call has written, before anything is promised to a sender.

WAIT blocks its connection until so many replicas have acknowledged the writes before it, or for a
time. It undoes nothing: without enough of them the delivery stays recorded, the sender is asked to
retry, and its retry waits again.

Only promises wait: the acceptance of jobs. What a worker records needs none: its handlers have run,
so an answer would come too late to change anything, and the write is on its way to the replicas.
"""

from __future__ import annotations

from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable

__all__ = ["is_promise", "too_few_replicas", "wait_words"]

_PART = 0.6
"""The part of the time for an answer that WAIT may take: its own answer must arrive as well."""

_PROMISES = frozenset({AcceptDecision.QUEUED, AcceptDecision.DUPLICATE})


def wait_words(replicas: int, timeout: float) -> tuple[str, int, int]:
    """Return the command that waits, where an answer must arrive within *timeout* seconds."""
    return ("WAIT", replicas, max(1, int(timeout * _PART * 1000)))


def is_promise(answer: object) -> bool:
    """Return whether *answer* lets a sender forget a delivery whose jobs must run."""
    if isinstance(answer, Claim):
        return answer.decision in _PROMISES
    return answer is State.QUEUED


def too_few_replicas(address: str, found: int, wanted: int) -> Unavailable:
    """Return the error for a write that only *found* of *wanted* replicas have."""
    return Unavailable(
        f"Redis at {address} has the delivery, but only {found} of {wanted} replicas confirmed it.",
        "Check the replicas and their lag, or lower RedisStore(replicas).",
    )
