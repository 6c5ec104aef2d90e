"""Jobs of other programs on the same Redis: a worker leaves them to their own workers.

A job belongs to the receivers that share a key id with the one that queued it. The import path is
no evidence: two programs, such as staging and production, may have the same. A foreign job goes
back without using an attempt, later and later, and nothing of its program is imported.
"""

from __future__ import annotations

import os
import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import redis
import rq

from florentin_webhooks.core.loader import FACTORY_VARIABLE, find_loaded_receiver, load_receiver
from florentin_webhooks.core.log import logger

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.jobs import JobClaim
    from florentin_webhooks.redis.store import RedisStore

__all__ = [
    "OTHER_KEY_HINT",
    "foreign_wait",
    "is_path_ours",
    "owner_among_served",
    "receiver_for",
    "return_foreign_job",
    "served_receivers",
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

_own_paths: ContextVar[tuple[str, ...] | None] = ContextVar("own_paths", default=None)


@contextmanager
def started_for(served: Sequence[Receiver[object]]) -> Generator[None]:
    """Run a job in a worker that was started for the receivers *served*.

    A newly started process of a worker does not have them: the environment names them.
    """
    paths = tuple(hooks.path for hooks in served)
    named = tuple(os.environ.get(FACTORY_VARIABLE, "").split())
    token = _own_paths.set(paths or named or None)
    try:
        yield
    finally:
        _own_paths.reset(token)


def receiver_for(path: str) -> Receiver[object]:
    """Return the receiver that may run a job which names *path*.

    In a worker of ours that is one that it was started for, the first where *path* leads to
    none of them: the store then decides by the key ids. In a worker of RQ's it is imported.
    """
    own = _own_paths.get()
    if own is None or path in own:
        return load_receiver(path, trusted=False)
    served = served_receivers()
    loaded = find_loaded_receiver(path)
    return loaded if loaded is not None and loaded in served else served[0]


def served_receivers() -> list[Receiver[object]]:
    """Return the receivers that the worker was started for; none in a worker of RQ's."""
    return [load_receiver(path, trusted=False) for path in _own_paths.get() or ()]


def owner_among_served(hooks: Receiver[object], owner: str) -> Receiver[object] | None:
    """Return another receiver than *hooks* that this worker serves and that has the key ids.

    A job of *owner* may name a path that its receiver had before.
    """
    others = (each for each in served_receivers() if each is not hooks)
    return next((each for each in others if each.identity.owns(owner, each.path)), None)


def is_path_ours(hooks: Receiver[object], path: str) -> bool:
    """Return whether *path*, which a job names, leads to *hooks*."""
    own = _own_paths.get()
    if own is None or path == hooks.path or own == (path,):
        return True
    return find_loaded_receiver(path) is hooks


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
    client: Any = job.connection  # Any: redis-py leaves its types open.
    store = cast("RedisStore", hooks.store).with_client(client)
    key = store.warning_key(f"{job.worker_name}:{owner}")
    with suppress(redis.RedisError):
        return bool(client.set(key, 1, nx=True, ex=_WARNED))
    return False
