"""The status of a queue in all lanes of a store, as one queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from florentin_webhooks.rq.measure import oldest_of, sum_of
from florentin_webhooks.rq.monitoring import QueueStatus, WorkerStatus, queue_status

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.redis.store import RedisStore

__all__ = ["merge_statuses", "read_status"]


def read_status(
    hooks: Receiver[object],
    name: str,
    siblings: Sequence[Receiver[object]] = (),
    longest: float | None = None,
) -> QueueStatus:
    """Return the status of the queue *name* of *hooks*, as :func:`queue_status` does.

    Waits at most *longest* seconds for each answer.
    """
    store = cast("RedisStore", hooks.store)  # The only one that a receiver with a queue can have.
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in store.queue_clients(longest)]
        return merge_statuses([queue_status(client, name, hooks, siblings) for client in clients])


def merge_statuses(statuses: Sequence[QueueStatus]) -> QueueStatus:
    """Return the status of one queue from those of its lanes."""
    first, *others = statuses
    if not others:
        return first
    return replace(
        first,
        waiting=sum_of(statuses, "waiting"),
        oldest=oldest_of(each.oldest for each in statuses),
        scheduled=sum_of(statuses, "scheduled"),
        running=sum_of(statuses, "running"),
        dead=sum_of(statuses, "dead"),
        workers=_merge_workers(worker for each in statuses for worker in each.workers),
        scheduler=all(each.scheduler for each in statuses),
        unreadable=sum_of(statuses, "unreadable"),
        foreign=sum((Counter(each.foreign) for each in statuses), Counter[str]()),
        lost=sum_of(statuses, "lost"),
        unstarted=sum_of(statuses, "unstarted"),
        full=any(each.full for each in statuses),
    )


def _merge_workers(workers: Iterable[WorkerStatus]) -> tuple[WorkerStatus, ...]:
    """Return each of *workers* once, busy where it works on one of its lanes."""
    found = dict[str, WorkerStatus]()
    for worker in workers:
        known = found.get(worker.name)
        if known is None or (known.state != "busy" and worker.state == "busy"):
            found[worker.name] = worker
    return tuple(found[name] for name in sorted(found))
