"""The function that every RQ job names: it runs one part of a delivery."""

from __future__ import annotations

import time
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, cast

import rq
from rq.timeouts import JobTimeoutException
from rq.utils import now

from florentin_webhooks.core.job import JobResult, process_job
from florentin_webhooks.core.log import error_location, logger
from florentin_webhooks.errors import ConfigurationError, Unavailable, WebhookError
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.foreign import (
    is_path_ours,
    owner_among_served,
    receiver_for,
    return_foreign_job,
)
from florentin_webhooks.rq.lost import mark_lost
from florentin_webhooks.rq.queue import RQQueue
from florentin_webhooks.rq.trace import keep_trace, trace_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "JobFailed",
    "process",
    "run_job",
    "to_rq",
]

_UNLIMITED = 1_000_000

_STORE_RETRY = 5
"""Seconds to wait after the store gave no answer, which is not a failure of a handler."""


class JobFailed(WebhookError):
    """Failed handlers, as RQ sees them; without a cause, since RQ stores and logs all of it."""

    code = "handler-failed"


def process(receiver: str, fingerprint: str, queue: str) -> rq.Retry | None:
    """Run the unfinished handlers of one queue's part of a delivery; called by RQ.

    Returns a Retry, which uses up no attempt, if it is too early or the job belongs to another
    program; raises :class:`JobFailed`.
    """
    hooks, job = receiver_for(receiver), rq.get_current_job()
    if job is None:
        raise ConfigurationError(
            "process() was called outside an RQ job.",
            "Start a worker instead: florentin-webhooks worker.",
        )
    result = run_job(fingerprint, partial(_process, hooks, job, receiver, fingerprint, queue))
    if isinstance(result, JobResult):
        keep_trace(job, result.trace)
        mark_lost(job.id, lost=result.lost)
        if result.foreign is not None:
            if owner := owner_among_served(hooks, result.foreign.owner):
                return process(owner.path, fingerprint, queue)
            return return_foreign_job(hooks, job, receiver, result.foreign)
    return to_rq(result, hooks)


def run_job(fingerprint: str, work: Callable[[], JobResult]) -> JobResult | rq.Retry:
    """Return the result of *work*, or a Retry where the store gave no answer.

    Raises :class:`JobFailed` for what *work* raises.
    """
    try:
        return work()
    except Unavailable as error:
        logger.warning("%s is retried in %d s. %s", fingerprint, _STORE_RETRY, error)
        return rq.Retry(max=_UNLIMITED, interval=_STORE_RETRY)
    except Exception as error:  # noqa: BLE001 - RQ stores and logs the text of every exception.
        name = type(error).__name__
        logger.error("The job of %s failed: %s at %s.", fingerprint, name, error_location(error))
        raise JobFailed(name) from None


def to_rq(result: JobResult | rq.Retry, hooks: Receiver[object]) -> rq.Retry | None:
    """Return what RQ makes of *result*: a Retry, or None; raises :class:`JobFailed`."""
    if isinstance(result, rq.Retry):
        return result
    if result.seconds is not None:
        return rq.Retry(max=_UNLIMITED, interval=max(1, ceil(result.seconds)))
    if result.failures:
        raise JobFailed(_failure_text(result, hooks.queue)) from None
    return None


def _process(
    hooks: Receiver[object], job: rq.job.Job, path: str, fingerprint: str, queue: str
) -> JobResult:
    store = cast("RedisStore", hooks.store).with_client(job.connection)
    # RQ's alarm rings by this clock: a handler that returns after it has swallowed it.
    since = time.monotonic() - (now() - (job.started_at or now())).total_seconds()
    retry_in = job.get_retry_interval() if job.retries_left else None
    with hooks.handler_context():
        return process_job(
            hooks,
            store,
            fingerprint,
            queue,
            last=retry_in is None,
            since=since,
            is_path_ours=is_path_ours(hooks, path),
            retry_in=retry_in,
            alarm=JobTimeoutException,
            trace=trace_of(job),
        )


def _failure_text(result: JobResult, queue: object) -> str:
    if isinstance(queue, RQQueue) and queue.error_text:
        return "; ".join(f"{failure.reason}: {failure.error}" for failure in result.failures)
    return "; ".join(failure.reason for failure in result.failures)
