"""Records of what handlers did, in all processes, and of failures to come, in Redis."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.redis.clients import new_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["Run", "RunRecorder", "most_runs"]

_STARTED, _FINISHED, _FAILURES = "demo:started", "demo:finished", "demo:failures:"


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a handler: for which delivery, in which process, with which result."""

    handler: str
    fingerprint: str
    delivery_id: str | None
    pid: int
    note: str = ""


class RunRecorder:
    """Reads and writes runs in the Redis at *url*."""

    def __init__(self, url: str) -> None:
        self._client = cast("Any", new_client(url))  # Any: untyped in redis-py.

    def start(self, handler: str, delivery: Delivery) -> Run:
        """Record that *handler* was called."""
        run = Run(handler, delivery.fingerprint, delivery.delivery_id, os.getpid())
        self._client.rpush(_STARTED, json.dumps(asdict(run)))
        return run

    def finish(self, run: Run, note: str) -> None:
        """Record that the handler of *run* has finished, and what it did."""
        self._client.rpush(_FINISHED, json.dumps({**asdict(run), "note": note}))

    def started(self) -> list[Run]:
        """Return all calls of handlers, in order."""
        return self._runs(_STARTED)

    def finished(self) -> list[Run]:
        """Return all calls that finished, in order."""
        return self._runs(_FINISHED)

    def plan_failures(self, handler: str, times: int) -> None:
        """Make the next *times* calls of *handler* fail."""
        self._client.set(_FAILURES + handler, times)

    def is_failing(self, handler: str) -> bool:
        """Return whether this call of *handler* fails."""
        key = _FAILURES + handler
        return bool(self._client.exists(key)) and self._client.decr(key) >= 0

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _runs(self, key: str) -> list[Run]:
        return [Run(**json.loads(each)) for each in self._client.lrange(key, 0, -1)]


def most_runs(finished: Sequence[Run]) -> int:
    """Return how often a handler finished at most for one body, or for one delivery id."""
    bodies = Counter((run.handler, run.fingerprint) for run in finished)
    ids = Counter((run.handler, run.delivery_id) for run in finished)
    return max([*bodies.values(), *ids.values()], default=0)
