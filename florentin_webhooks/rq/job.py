"""The function that every RQ job names: it runs one part of a delivery."""

from __future__ import annotations

import time
from math import ceil
from typing import TYPE_CHECKING, cast

import rq
from rq.utils import now

from florentin_webhooks.core.job import JobResult, process_job
from florentin_webhooks.core.loader import load_receiver
from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import ConfigurationError, Unavailable, WebhookError
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.queue import RQQueue

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "JobFailed",
    "process",
]

_UNLIMITED = 1_000_000

_STORE_RETRY = 5
"""Seconds to wait after the store gave no answer, which is not a failure of a handler."""


class JobFailed(WebhookError):
    """Failed handlers, as RQ sees them; without a cause, since RQ stores and logs all of it."""

    code = "handler-failed"


def process(receiver: str, fingerprint: str, queue: str) -> rq.Retry | None:
    """Run the unfinished handlers of one queue's part of a delivery; called by RQ.

    Returns a Retry if it is too early, which uses up no attempt; raises :class:`JobFailed`.
    """
    hooks, job = load_receiver(receiver, trusted=False), rq.get_current_job()
    if job is None:
        raise ConfigurationError(
            "process() was called outside an RQ job.",
            "Start a worker instead: florentin-webhooks worker.",
        )
    try:
        result = _process(hooks, job, fingerprint, queue)
    except Unavailable as error:
        logger.warning("%s is retried in %d s. %s", fingerprint, _STORE_RETRY, error)
        return rq.Retry(max=_UNLIMITED, interval=_STORE_RETRY)
    except Exception as error:  # noqa: BLE001 - RQ stores and logs the text of every exception.
        raise JobFailed(type(error).__name__) from None
    if result.seconds is not None:
        return rq.Retry(max=_UNLIMITED, interval=max(1, ceil(result.seconds)))
    if result.failures:
        raise JobFailed(_failure_text(result, hooks.queue)) from None
    return None


def _process(hooks: Receiver, job: rq.job.Job, fingerprint: str, queue: str) -> JobResult:
    store = cast("RedisStore", hooks.store).with_client(job.connection)
    # RQ's alarm rings by this clock: a handler that returns after it has swallowed it.
    since = time.monotonic() - (now() - (job.started_at or now())).total_seconds()
    with hooks.handler_context():
        return process_job(hooks, store, fingerprint, queue, last=not job.retries_left, since=since)


def _failure_text(result: JobResult, queue: object) -> str:
    if isinstance(queue, RQQueue) and queue.error_text:
        return "; ".join(f"{failure.reason}: {failure.error}" for failure in result.failures)
    return "; ".join(failure.reason for failure in result.failures)
