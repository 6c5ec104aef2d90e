"""What the handlers of the demonstration did, in whichever process: counted in Redis."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.core.stores.jobs import ListPendingJobs
from florentin_webhooks.core.stores.queries import GetRecord, ListDeadLetters
from florentin_webhooks.redis.clients import new_client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["Run", "RunRecorder", "most_runs", "open_jobs", "state_of"]

_STARTED, _FINISHED, _TROUBLE = "demo:started", "demo:finished", "demo:trouble:"


@dataclass(frozen=True, slots=True)
class Run:
    """Hold that a handler was called, for which delivery, in which process; *note*: what it did."""

    handler: str
    fingerprint: str
    delivery_id: str | None
    pid: int
    note: str = ""


class RunRecorder:
    """Write down what handlers do, and read it again, in the Redis at *url*."""

    def __init__(self, url: str) -> None:
        self._client = cast("Any", new_client(url))  # Any: untyped in redis-py.

    def begin(self, handler: str, delivery: Delivery) -> Run:
        """Note that *handler* was called."""
        run = Run(handler, delivery.fingerprint, delivery.delivery_id, os.getpid())
        self._client.rpush(_STARTED, json.dumps(asdict(run)))
        return run

    def done(self, run: Run, note: str) -> None:
        """Note that the handler of *run* did its work, which *note* describes."""
        self._client.rpush(_FINISHED, json.dumps({**asdict(run), "note": note}))

    def started(self) -> list[Run]:
        """Give every call of a handler, in order."""
        return self._runs(_STARTED)

    def finished(self) -> list[Run]:
        """Give every call that did its work, in order."""
        return self._runs(_FINISHED)

    def prepare(self, trouble: str, times: int = 1) -> None:
        """Let *trouble* happen to handlers, *times* times."""
        self._client.set(_TROUBLE + trouble, times)

    def repair(self, trouble: str) -> None:
        """Let *trouble* never happen again."""
        self._client.delete(_TROUBLE + trouble)

    def happens(self, trouble: str) -> bool:
        """Tell a handler whether *trouble* happens to it this time."""
        key = _TROUBLE + trouble
        return bool(self._client.exists(key)) and self._client.decr(key) >= 0

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _runs(self, key: str) -> list[Run]:
        return [Run(**json.loads(each)) for each in self._client.lrange(key, 0, -1)]


def most_runs(finished: Sequence[Run]) -> int:
    """Give how often the most frequent handler finished for one body, or one delivery id."""
    bodies = Counter((run.handler, run.fingerprint) for run in finished)
    ids = Counter((run.handler, run.delivery_id) for run in finished)
    return max([*bodies.values(), *ids.values()], default=0)


def open_jobs(store: RedisStore, queue: str, until: datetime) -> set[str]:
    """Give the fingerprints whose jobs are neither done nor dead."""
    dead = {job.fingerprint for job in store.execute(ListDeadLetters())}
    return {job_id[:32] for job_id in store.execute(ListPendingJobs(queue, until))} - dead


def state_of(store: RedisStore, fingerprint: str) -> str:
    """Give the state that the store remembers for *fingerprint*."""
    record = store.execute(GetRecord(bytes.fromhex(fingerprint)))
    return record.state.value if record else "unknown"
