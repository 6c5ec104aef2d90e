"""Have handlers run by RQ workers: prepare jobs, and run the one function that they name.

A job carries the delivery's fingerprint, its queue and the receiver's import path, as JSON. Never a
body, never a pickle: whoever can write to Redis should not be able to run code in a worker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Any, NamedTuple, cast

import redis
import rq
from rq.utils import now, utcformat

from florentin_webhooks.errors import ConfigurationError, WebhookError
from florentin_webhooks.loading import load
from florentin_webhooks.queues import Job, JobKeys
from florentin_webhooks.stores.redis import RedisStore
from florentin_webhooks.working import Ending, work

__all__ = ["PROCESS", "JobFailed", "RQQueue", "process"]

PROCESS = "florentin_webhooks.rq.process"
"""The one function that a job of ours may name."""

_UNTOLD = "0" * 32
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOREVER = 1_000_000


class JobFailed(WebhookError):
    """Say to RQ which handlers failed; without a cause, since RQ stores and logs all of it."""

    code = "handler-failed"


Fields = dict[str, str | bytes | int]


class _Template(NamedTuple):
    """Hold a job as RQ builds it for a fingerprint of zeros, to be filled in."""

    fields: Fields
    keys: JobKeys
    queues: str


class RQQueue:
    """Queue handlers for RQ workers in the queue *name*.

    A failed job is retried after each of *retries*, in seconds, and is dead after the last. A job
    may take *timeout* seconds. *receiver* is the import path under which workers find the receiver
    (``shop.hooks:hooks``), where it cannot be found by looking. *error_text* lets the text of a
    handler's exception, which may quote a payload, into RQ's records; else only its type does.
    """

    def __init__(
        self,
        name: str = "florentin",
        *,
        retries: Sequence[int] = (5, 30, 120, 600, 1800),
        timeout: int = 60,
        receiver: str | None = None,
        error_text: bool = False,
    ) -> None:
        _refuse(name, retries, timeout)
        self.name = name
        self.retries = tuple(retries)
        self.timeout = timeout
        self.receiver = receiver
        self.error_text = error_text
        self._templates: dict[tuple[str, str], _Template] = {}

    def job(self, receiver: str, fingerprint: str, queue: str, handlers: tuple[str, ...]) -> Job:
        """Give the job for *queue*'s part of a delivery, filled into what RQ built once."""
        template = self._templates.get((receiver, queue))
        if template is None:
            template = self._templates[receiver, queue] = self._prepare(receiver, queue)
        job_id = self.job_id(fingerprint, queue)
        words: list[str | bytes | int] = []
        for name, value in _filled(template.fields, fingerprint, now()).items():
            words += (name, value)
        keys = template.keys._replace(
            hash=template.keys.hash.replace(self._untold_id(queue), job_id)
        )
        return Job(job_id, queue, handlers, keys, template.queues, tuple(words))

    def job_id(self, fingerprint: str, queue: str) -> str:
        """Give the id of *queue*'s job: in the default queue, the fingerprint itself."""
        return fingerprint if queue == self.name else f"{fingerprint}-{queue}"

    def _untold_id(self, queue: str) -> str:
        return self.job_id(_UNTOLD, queue)

    def build(self, receiver: str, fingerprint: str, queue: str) -> tuple[rq.Queue, rq.job.Job]:
        """Have RQ itself build the job, through its public API; does no I/O."""
        # The client is never used: a queue needs one to be built.
        where = rq.Queue(queue, connection=redis.Redis(), serializer="json")
        create = cast("Any", where).create_job  # Any: RQ leaves its types open, here and below.
        job = create(
            PROCESS,
            args=(receiver, fingerprint, queue),
            timeout=self.timeout,
            result_ttl=0,
            failure_ttl=-1,
            description=f"florentin {fingerprint}",
            job_id=self.job_id(fingerprint, queue),
            retry=rq.Retry(max=len(self.retries), interval=list(self.retries)),
        )
        job.enqueued_at = now()
        return where, job

    def _prepare(self, receiver: str, queue: str) -> _Template:
        where, job = self.build(receiver, _UNTOLD, queue)
        told: dict[str, Any] = cast("Any", job).to_dict()
        fields: Fields = {k: getattr(v, "value", v) for k, v in told.items() if v is not None}
        fields["data"] = job.data  # RQ reads what is not compressed as it is.
        keys = JobKeys(
            _text(job.key),
            _text(where.key),
            _text(where.failed_job_registry.key),
            _text(where.intermediate_queue_key),
        )
        return _Template(fields, keys, _text(where.redis_queues_keys))


def process(receiver: str, fingerprint: str, queue: str) -> rq.Retry | None:
    """Run what has not yet run of one queue's part of a delivery: what RQ calls.

    Gives a Retry where it is too early, which uses up no attempt; raises :class:`JobFailed`.
    """
    hooks, job = load(receiver), rq.get_current_job()
    if job is None:
        message = "process() is called by RQ workers only"
        raise ConfigurationError(message)
    store = cast("RedisStore", hooks.store).through(job.connection)
    ending = work(hooks, store, fingerprint, queue, last=not job.retries_left)
    if ending.seconds is not None:
        return rq.Retry(max=_FOREVER, interval=max(1, ceil(ending.seconds)))
    if ending.failures:
        raise JobFailed(_told(ending, hooks.queue)) from None
    return None


def _told(ending: Ending, queue: object) -> str:
    if isinstance(queue, RQQueue) and queue.error_text:
        return "; ".join(f"{failure.reason}: {failure.error}" for failure in ending.failures)
    return "; ".join(failure.reason for failure in ending.failures)


def _filled(fields: Fields, fingerprint: str, moment: datetime) -> Fields:
    at = utcformat(moment)
    told: Fields = {
        "data": cast("bytes", fields["data"]).replace(_UNTOLD.encode(), fingerprint.encode()),
        "description": f"florentin {fingerprint}",
        "created_at": at,
        "enqueued_at": at,
    }
    return {**fields, **told}


def _text(key: str | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else key


def _refuse(name: str, retries: Sequence[int], timeout: int) -> None:
    if not _NAME.fullmatch(name):
        message = f"the queue name {name!r} must consist of letters, digits, _ and -"
        raise ConfigurationError(message)
    if not retries or any(seconds < 1 for seconds in retries):
        message = f"retries is {tuple(retries)}; it needs at least one wait of at least one second"
        raise ConfigurationError(message)
    if timeout < 1:
        message = f"timeout is {timeout}; it must be at least 1 second"
        raise ConfigurationError(message)
