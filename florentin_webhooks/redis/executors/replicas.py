"""Wait until replicas have what a call has written, before anything follows from it.

WAIT blocks its connection until so many replicas have acknowledged the writes before it, or for a
time. It undoes nothing: without enough of them an accepted delivery stays recorded, the sender is
asked to retry, and its retry waits again.

A sender gets a promise, and a handler starts, only once replicas have the acceptance or the lease.
Without them the lease is given back. What handlers have done is recorded again and again, until
replicas have it or a new primary does: another run would repeat it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.redis.refusals import find_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.redis.schema import ScriptCall, Words

__all__ = [
    "PATIENCE",
    "TooFewReplicasError",
    "give_back",
    "may_pass",
    "needs_replicas",
    "repeat",
    "run_confirmed",
    "too_few_replicas",
    "wait_words",
]

PATIENCE = 30.0
"""Seconds for which a record is repeated: as long as most fail-overs take."""

_PART = 0.6
"""The part of the time for an answer that WAIT may take: its own answer must arrive as well."""
_LONGEST_WAIT = 1.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5

_PROMISES = frozenset({AcceptDecision.QUEUED, AcceptDecision.DUPLICATE})

A = TypeVar("A")


class TooFewReplicasError(RedisConnectionError):
    """Only *found* of *wanted* replicas have what a call has written, whose *answer* this is."""

    def __init__(self, answer: Any, found: int, wanted: int) -> None:  # Any: as ScriptCall.read.
        cast("Any", super()).__init__(f"only {found} of {wanted} replicas confirmed a write.")
        self.answer, self.found, self.wanted = answer, found, wanted


def wait_words(replicas: int, timeout: float | None) -> tuple[str, int, int]:
    """Return the command that waits, where an answer must arrive within *timeout* seconds."""
    longest = min(timeout or TIMEOUTS.socket, _LONGEST_WAIT)
    return ("WAIT", replicas, max(1, int(longest * _PART * 1000)))


def needs_replicas(call: ScriptCall, answer: Any) -> bool:  # Any: as ScriptCall.read.
    """Return whether *answer* is a promise to a sender, a lease, or about what handlers did."""
    if call.is_record:
        return True
    decoded = call.read(answer)
    if isinstance(decoded, Claim) and decoded.decision in _PROMISES:
        return True
    return call.undo is not None and call.undo(decoded) is not None


def give_back(send: Callable[[ScriptCall], object], call: ScriptCall, answer: Any) -> None:
    """Undo the lease of *answer* to *call*, by way of *send*; best effort."""
    undo = None if call.undo is None else call.undo(call.read(answer))
    if undo is not None:
        with suppress(RedisError, OSError):  # Then the lease expires.
            send(undo)


def run_confirmed(client: Any, call: ScriptCall) -> Any:  # Any: redis-py's client, any answer.
    """Return the answer to *call*, sent with a WAIT in the same round trip.

    Raises RedisError, also :class:`TooFewReplicasError` where the answer needs them.
    """
    answer, found = _send_with_wait(client, call.evalsha(), call.replicas)
    if isinstance(answer, NoScriptError):
        answer, found = _send_with_wait(client, call.eval(), call.replicas)
    if isinstance(answer, Exception):
        raise answer
    if isinstance(found, int) and found >= call.replicas:
        return answer
    if needs_replicas(call, answer):
        confirmed = found if isinstance(found, int) else 0
        cause = found if isinstance(found, Exception) else None
        raise TooFewReplicasError(answer, confirmed, call.replicas) from cause
    return answer


def _send_with_wait(client: Any, words: Words, replicas: int) -> tuple[Any, Any]:
    timeout = client.connection_pool.connection_kwargs.get("socket_timeout")
    # Not in a transaction, in which WAIT would wait for nothing.
    with client.pipeline(transaction=False) as pipeline:
        pipeline.execute_command(*words)
        pipeline.execute_command(*wait_words(replicas, timeout))
        answer, found = pipeline.execute(raise_on_error=False)
    return answer, found


def repeat(send: Callable[[], A], seconds: float) -> A:
    """Return what *send* returns, called again for *seconds* while its error may pass."""
    end, pause = time.monotonic() + seconds, _SHORTEST_PAUSE
    while True:
        try:
            return send()
        except (RedisError, OSError) as error:
            if not may_pass(error) or time.monotonic() + pause > end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def may_pass(error: Exception) -> bool:
    """Return whether *error* may be one of a fail-over, which passes."""
    if isinstance(error, TooFewReplicasError):
        return error.__cause__ is None
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        return True
    return not isinstance(error, RedisError) or find_refusal(error) is not None


def too_few_replicas(address: str, found: int, wanted: int) -> Unavailable:
    """Return the error for a write that only *found* of *wanted* replicas have."""
    return Unavailable(
        f"Redis at {address} has the delivery, but only {found} of {wanted} replicas confirmed it.",
        "Check the replicas and their lag, or lower RedisStore(replicas).",
    )
