"""Calls that follow the answer to another one, with keys that only that answer has named.

No script touches a key that its caller did not name: access control and clusters judge a call by
its keys. The few calls that must reach other records are made in two steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, load_script

__all__ = ["FollowUp", "follow_up", "trim_history"]

_TRIM_HISTORY = load_script("trim_history")
_KEY = 16


@dataclass(frozen=True, slots=True)
class FollowUp:
    """An answer that asks for another call, which *encode* returns for the same operation.

    *answer* is the one that counts where that call only tidies up: it may fail.
    """

    encode: Callable[[KeySchema, Any], ScriptCall]  # Any: the operation that was answered.
    answer: object = None


async def follow_up(
    answer: object,
    operation: Operation[Any],  # Any: of each its own answer.
    schema: KeySchema,
    run: Callable[[ScriptCall], Awaitable[object]],
) -> object:
    """Return *answer* to *operation*, or that of the calls which it asks for, by way of *run*."""
    while isinstance(answer, FollowUp):
        asked = answer
        try:
            answer = await run(asked.encode(schema, operation))
        except Unavailable:
            if asked.answer is None:
                raise
            answer = asked.answer
    return answer


def trim_history(schema: KeySchema, keys: bytes) -> ScriptCall:
    """Encode the deletion of all but the state of the records of *keys*, the oldest last."""
    fingerprints = [keys[at : at + _KEY] for at in range(0, len(keys), _KEY)]
    names = (schema.log, schema.done, *map(schema.record, fingerprints))
    return ScriptCall(_TRIM_HISTORY, names, (schema.retention, *fingerprints), _to_done)


def _to_done(_: object) -> State:
    return State.DONE
