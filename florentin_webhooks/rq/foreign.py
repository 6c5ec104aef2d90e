"""Jobs of other programs on the same Redis: a worker leaves them to their own workers.

A job belongs to the receivers that share a key id with the one that queued it. The import path is
no evidence: two programs, such as staging and production, may have the same. A foreign job goes
back without using an attempt, later and later, and nothing of its program is imported.
"""

from __future__ import annotations

import os
import random
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import redis
import rq

from florentin_webhooks.core.loader import FACTORY_VARIABLE, find_loaded_receiver, load_receiver
from florentin_webhooks.core.log import logger
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.jobs import JobClaim

__all__ = [
    "OTHER_KEY_HINT",
    "foreign_wait",
    "is_path_ours",
    "receiver_for",
    "return_foreign_job",
    "started_for",
]

OTHER_KEY_HINT = (
    "If the secret was replaced, start a worker with the earlier one as well, in "
    "FLORENTIN_WEBHOOK_SECRET_PREVIOUS or Receiver(secrets), until they have run. If another "
    'program has this import path, use RQQueue("other-name") or another Redis database for one.'
)
"""What to do about jobs of the same import path under another secret."""

_QUICK = 10
"""How often a job goes back at once. Of two workers each gets the other's job half the time."""

_GROWTH = 1.5
_LONGEST = 300.0
_UNLIMITED = 1_000_000
_WARNED = 86_400
"""Seconds until a worker warns again of the same program."""

_own_path: ContextVar[str | None] = ContextVar("own_path", default=None)


@contextmanager
def started_for(hooks: Receiver[object] | None) -> Generator[None]:
    """Run a job in a worker that was started for *hooks*.

    A newly started process of a worker has no *hooks*: the environment names it.
    """
    token = _own_path.set(os.environ.get(FACTORY_VARIABLE) if hooks is None else hooks.path)
    try:
        yield
    finally:
        _own_path.reset(token)


def receiver_for(path: str) -> Receiver[object]:
    """Return the receiver that may run a job which names *path*.

    In a worker of ours that is one which is in this process already, or the worker's own: the store
    then decides by the key ids. In a worker of RQ's it is imported.
    """
    own = _own_path.get()
    if own is None or path == own:
        return load_receiver(path, trusted=False)
    loaded = find_loaded_receiver(path)
    if loaded is not None and loaded.queue and isinstance(loaded.store, RedisStore):
        return loaded
    return load_receiver(own, trusted=False)


def is_path_ours(hooks: Receiver[object], path: str) -> bool:
    """Return whether *path*, which a job names, leads to *hooks*."""
    return path in (_own_path.get() or path, hooks.path) or find_loaded_receiver(path) is hooks


def foreign_wait(count: int) -> float:
    """Return the seconds until a job that was refused *count* times is tried again."""
    longest = min(_LONGEST, _GROWTH ** min(max(count - _QUICK, 0), 50))
    return max(1.0, longest * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, no secret.


def return_foreign_job(
    hooks: Receiver[object], job: rq.job.Job, path: str, claim: JobClaim
) -> rq.Retry:
    """Return the job to its queue for the workers of its own program, and warn once."""
    if _is_first(hooks, job, claim.owner or path):
        _warn(hooks, job, path)
    # Without a record there is no count: its own worker finds out why.
    wait = foreign_wait(claim.attempt) if claim.attempt else _LONGEST / 10
    return rq.Retry(max=_UNLIMITED, interval=round(wait))


def _warn(hooks: Receiver[object], job: rq.job.Job, path: str) -> None:
    if path == hooks.path:
        logger.warning(
            "Queue %s has jobs of %s under another secret, which this worker leaves in it. %s",
            job.origin,
            path,
            OTHER_KEY_HINT,
        )
        return
    logger.warning(
        "Queue %s has jobs of %s, which are left to its workers: this one was started for %s. Use "
        'RQQueue("other-name") or another Redis database for one of them.',
        job.origin,
        path,
        hooks.path,
    )


def _is_first(hooks: Receiver[object], job: rq.job.Job, owner: str) -> bool:
    """Return whether this worker, which may fork for each job, has not warned of *owner* yet."""
    key = cast("RedisStore", hooks.store).warning_key(f"{job.worker_name}:{owner}")
    client: Any = job.connection  # Any: redis-py leaves its types open.
    with suppress(redis.RedisError):
        return bool(client.set(key, 1, nx=True, ex=_WARNED))
    return False
