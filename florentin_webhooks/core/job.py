"""Run one queue's part of a delivery, in a worker of whatever queueing library.

The part is fenced: whoever runs it holds its lease. What is to be run is what the delivery was
queued for and has not ended yet, so a retry repeats nothing, and a handler that is not there
(renamed, or the worker is older than the web process) keeps the part from being done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.runner import Failure, FinalStates, HandlerRunner
from florentin_webhooks.core.processing.runtime import BLOCKING, run_sync
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.senders.florentin.events import Event, parse_event

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store

__all__ = [
    "JobResult",
    "process_job",
]

LEASE_MARGIN = 10
"""Seconds that a lease outlasts the job's time: nobody takes over what may still be running."""

BUSY_WAIT = 15.0
"""Seconds after which a part that somebody else holds is looked at again, at the latest."""


class JobResult(NamedTuple):
    """Say how a part ended: *seconds* to wait before the next look, or what has failed."""

    seconds: float | None = None
    failures: tuple[Failure, ...] = ()


def process_job(
    hooks: Receiver, store: Store, fingerprint: str, queue: str, *, last: bool, since: float
) -> JobResult:
    """Run what is left of *queue*'s part of the delivery *fingerprint*.

    A part that fails in its *last* attempt is dead. Its time began at *since*, of the monotonic
    clock. Raises :class:`Unavailable`.
    """
    return run_sync(_work(hooks, store, fingerprint, queue, last=last, since=since))


async def _work(
    hooks: Receiver, store: Store, fingerprint: str, queue: str, *, last: bool, since: float
) -> JobResult:
    part, timeout = hooks.build_job(fingerprint, queue)
    lease = Lease(BLOCKING, store, part)
    work = await lease.claim_job(part, fingerprint, timeout + LEASE_MARGIN)
    if work.verdict is JobDecision.BUSY:
        return JobResult(seconds=min(work.wait, BUSY_WAIT))
    if work.verdict is not JobDecision.RUN:
        return JobResult()
    close = FinalStates(failed=State.DEAD if last else State.QUEUED)
    run = HandlerRunner(lease, timeout, close, since=since)
    state = await _run(hooks, run, fingerprint, work)
    if run.retry_after is not None:
        return JobResult(seconds=run.retry_after)
    if state is State.LOST and not run.failures:
        return JobResult(
            seconds=BUSY_WAIT
        )  # Somebody else has it by now: that it ends well is open.
    return JobResult(failures=tuple(run.failures))


async def _run(hooks: Receiver, run: HandlerRunner, fingerprint: str, work: JobClaim) -> State:
    try:
        delivery, envelope = restore_delivery(fingerprint, work)
        event = parse_event(envelope, hooks.model(delivery.event))
        return await run.run(_remaining_handlers(hooks, run, event, work), event, delivery)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a model that refuses, or the alarm between handlers.
        return await run.abort("event", error)


def _remaining_handlers(
    hooks: Receiver, run: HandlerRunner, event: Event, work: JobClaim
) -> list[Handler]:
    """Give the handlers that are left; one that is not here fails, so that the part is not done."""
    known = {handler.name: handler for handler in hooks.match(event)}
    left = [name for name in work.expected if name not in work.done]
    for name in left:
        if name not in known:
            missing = LookupError("the handler was renamed or removed, or this worker is older")
            logger.error("a delivery waits for %s, which is not here", name)
            run.failures.append(Failure(name, missing))
    return [known[name] for name in left if name in known]
