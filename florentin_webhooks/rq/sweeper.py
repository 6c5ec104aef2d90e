"""The sweeper: it requeues jobs that RQ has lost, and discards expired dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import rq

from florentin_webhooks.core.job import report_dead
from florentin_webhooks.core.log import log_lost_record, logger
from florentin_webhooks.core.replay import NotReplayable, drop
from florentin_webhooks.core.stores.jobs import IndexStates, ListPendingJobs, RequeueLostJob
from florentin_webhooks.core.stores.queries import GetRecord, ListDeadLetters
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.serializer import SERIALIZER_OPTION, is_unreadable

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "LOST_AFTER",
    "drop_expired",
    "index_states",
    "requeue_lost",
]

LOST_AFTER = 120.0
"""Seconds after which a job in no list counts as lost: RQ moves jobs within one."""

_MOST = 10_000
"""The most jobs that one round looks at."""
_PAGE = 1000
"""The items that one command reads, in less than a millisecond of the server's time."""


def drop_expired(hooks: Receiver[object]) -> int:
    """Discard dead letters older than the store's unfinished retention; return their number."""
    until = datetime.now(UTC) - cast("RedisStore", hooks.store).unfinished_retention
    dropped = 0
    for fingerprint in {job.fingerprint for job in hooks.store.execute(ListDeadLetters(until))}:
        record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        if record is not None and not hooks.identity.owns(record.owner, hooks.path):
            continue  # It waits for an operator of another program.
        with suppress(NotReplayable):  # Revived meanwhile, or another worker was faster.
            drop(hooks, fingerprint)
            dropped += 1
    return dropped


def index_states(hooks: Receiver[object]) -> None:
    """Bring what lists of a state read up to date, as far as half a second suffices."""
    hooks.store.execute(IndexStates())


def requeue_lost(hooks: Receiver[object], queue: rq.Queue, older_than: float = LOST_AFTER) -> int:
    """Requeue the jobs that *queue* has lost; return their number.

    Reads the lists once to choose candidates; then a script decides atomically for each.
    """
    store = cast("RedisStore", hooks.store).with_client(queue.connection)
    before = datetime.now(UTC) - timedelta(seconds=older_than)
    pending = [*_pending_jobs(store, queue.name, before)]
    listed = _listed_jobs(queue) if pending else set[bytes]()  # Most rounds find nothing old.
    candidates = [each for each in pending if each.encode() not in listed]
    return sum(_requeue(hooks, store, queue, job_id) for job_id in candidates)


def _requeue(hooks: Receiver[object], store: RedisStore, queue: rq.Queue, job_id: str) -> bool:
    """Requeue the job *job_id* if it is lost; return whether it was, and report what it was."""
    fingerprint = job_id[:32]
    part, _ = hooks.build_job(fingerprint, queue.name)
    key_ids = hooks.identity.all_key_ids
    found = store.execute(RequeueLostJob(bytes.fromhex(fingerprint), part, key_ids))
    if found == "gone":
        log_lost_record(fingerprint, queue.name)
    elif found == "dead":
        report_dead(hooks, fingerprint, queue.name, _cause_of_death(queue, job_id))
    elif found != "fine":
        logger.warning("job %s of queue %s: %s", job_id, queue.name, found)
    return found == "lost"


def _pending_jobs(store: RedisStore, queue: str, before: datetime) -> Iterator[str]:
    """Yield the oldest pending jobs; page by page, since dead letters may come before them."""
    wanted, left = ListPendingJobs(queue, before), _MOST
    while left > 0:
        page = store.execute(wanted)
        yield from page.ids[:left]
        if page.following is None:
            return
        wanted, left = replace(wanted, after=page.following), left - len(page.jobs)


def _cause_of_death(queue: rq.Queue, job_id: str) -> str:
    if is_unreadable(queue.connection, job_id):
        return f"a worker does not read JSON. Start it with {SERIALIZER_OPTION}"
    return ""


def _listed_jobs(queue: rq.Queue) -> set[bytes]:
    server = cast("Any", queue.connection)  # Any: redis-py leaves its types open.
    listed = {*_list_items(server, queue.key), *_list_items(server, queue.intermediate_queue_key)}
    listed.update(_members(server, queue.scheduled_job_registry.key))
    return listed


def _list_items(server: Any, key: str) -> Iterator[bytes]:
    """Yield the items of a list from its end, where jobs come in: so none of the others moves."""
    first = -1
    while page := server.lrange(key, first - _PAGE + 1, first):
        yield from page
        first -= _PAGE


def _members(server: Any, key: str) -> Iterator[bytes]:
    """Yield the members of a sorted set; if some move meanwhile, the script looks for them."""
    first = 0
    while page := server.zrange(key, first, first + _PAGE - 1):
        yield from page
        first += _PAGE
