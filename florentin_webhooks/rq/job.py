"""The one function that RQ jobs name: run one part of a delivery."""

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

_FOREVER = 1_000_000

_WITHOUT_STORE = 5
"""Seconds to wait where the store gave no answer, which is no failure of a handler."""


class JobFailed(WebhookError):
    """Say to RQ which handlers failed; without a cause, since RQ stores and logs all of it."""

    code = "handler-failed"


def process(receiver: str, fingerprint: str, queue: str) -> rq.Retry | None:
    """Run what has not yet run of one queue's part of a delivery: what RQ calls.

    Gives a Retry where it is too early, which uses up no attempt; raises :class:`JobFailed`.
    """
    hooks, job = load_receiver(receiver, typed=False), rq.get_current_job()
    if job is None:
        message = "process() is called by RQ workers only"
        raise ConfigurationError(message)
    try:
        ending = _work(hooks, job, fingerprint, queue)
    except Unavailable as error:
        logger.warning("%s is run later: %s", fingerprint, error)
        return rq.Retry(max=_FOREVER, interval=_WITHOUT_STORE)
    except Exception as error:  # noqa: BLE001 - RQ stores and logs the text of what it is given.
        raise JobFailed(type(error).__name__) from None
    if ending.seconds is not None:
        return rq.Retry(max=_FOREVER, interval=max(1, ceil(ending.seconds)))
    if ending.failures:
        raise JobFailed(_told(ending, hooks.queue)) from None
    return None


def _work(hooks: Receiver, job: rq.job.Job, fingerprint: str, queue: str) -> JobResult:
    store = cast("RedisStore", hooks.store).with_client(job.connection)
    # RQ's alarm rings by this clock: what returns after it has swallowed it.
    since = time.monotonic() - (now() - (job.started_at or now())).total_seconds()
    with hooks.handler_context():
        return process_job(hooks, store, fingerprint, queue, last=not job.retries_left, since=since)


def _told(ending: JobResult, queue: object) -> str:
    if isinstance(queue, RQQueue) and queue.error_text:
        return "; ".join(f"{failure.reason}: {failure.error}" for failure in ending.failures)
    return "; ".join(failure.reason for failure in ending.failures)
