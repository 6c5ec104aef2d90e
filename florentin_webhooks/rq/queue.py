"""Have handlers run by RQ workers: prepare jobs, and run the one function that they name.

A job carries the delivery's fingerprint, its queue and the receiver's import path, as JSON. Never a
body, never a pickle: whoever can write to Redis should not be able to run code in a worker.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import redis
import rq
from rq.utils import now, utcformat

from florentin_webhooks.core.queue import Job, JobKeys
from florentin_webhooks.core.routing.handler import validate_queue_name
from florentin_webhooks.errors import ConfigurationError

__all__ = [
    "PROCESS",
    "RQQueue",
]

PROCESS = "florentin_webhooks.rq.process"
"""The one function that a job of ours may name."""

_UNTOLD = "0" * 32

_UNTIMED = "0000-00-00T00:00:00.000000Z"


class _Template(NamedTuple):
    """Hold a job as RQ builds it, with zeros for fingerprint and time, which are filled in."""

    words: str
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
        untold, *others = template.keys
        keys = JobKeys(untold.replace(_UNTOLD, fingerprint), *others)
        words = template.words.replace(_UNTOLD, fingerprint).replace(_UNTIMED, utcformat(now()))
        return Job(job_id, queue, handlers, keys, template.queues, words)

    def job_id(self, fingerprint: str, queue: str) -> str:
        """Give the id of *queue*'s job; other programs on that server have jobs of their own."""
        return f"{fingerprint}-{queue}"

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
        told["data"] = job.data.decode()  # RQ reads what is not compressed as it is.
        told["created_at"] = told["enqueued_at"] = _UNTIMED
        words: list[str] = []
        for name, value in told.items():
            if value is not None:
                words += (name, str(getattr(value, "value", value)))
        keys = JobKeys(
            _text(job.key),
            _text(where.key),
            _text(where.failed_job_registry.key),
            _text(where.intermediate_queue_key),
            _text(where.scheduled_job_registry.key),
        )
        return _Template(json.dumps(words), keys, _text(where.redis_queues_keys))


def _text(key: str | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else key


def _refuse(name: str, retries: Sequence[int], timeout: int) -> None:
    validate_queue_name(name)
    if not retries or not all(_is_whole(seconds) for seconds in retries):
        message = (
            f"retries is {tuple(retries)}; it needs at least one wait of whole seconds, from 1"
        )
        raise ConfigurationError(message)
    if not _is_whole(timeout):
        message = f"timeout is {timeout}; it must be whole seconds, at least 1"
        raise ConfigurationError(message)


def _is_whole(seconds: object) -> bool:
    return isinstance(seconds, int) and seconds >= 1
