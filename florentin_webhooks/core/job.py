"""Run one queue's part of a delivery, in a worker of any queueing library.

The part is fenced: its lease belongs to one run. A run executes the handlers that the delivery was
queued for and that have not ended, so a retry repeats nothing, and a handler that is missing
(renamed, or the worker is older than the web process) keeps the part from being done.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.attempt import FinalStates
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.runner import Failure, HandlerRunner, RunResult
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.event import copy_event, parse_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store

__all__ = ["JobResult", "process_job"]

LEASE_MARGIN = 10
"""Seconds that a lease outlasts the job's time: a handler that may still run is never repeated."""

BUSY_WAIT = 15.0
"""Maximum delay in seconds before retrying a part whose lease is held."""


class JobResult(NamedTuple):
    """How a part ended: *seconds* to wait before the next try, or what failed.

    *foreign* is the claim of a job that belongs to another program. *lost*: its record is gone.
    """

    seconds: float | None = None
    failures: tuple[Failure, ...] = ()
    foreign: JobClaim | None = None
    lost: bool = False


def process_job(
    receiver: Receiver[object],
    store: Store,
    fingerprint: str,
    queue: str,
    *,
    last: bool,
    since: float,
    is_path_ours: bool = True,
) -> JobResult:
    """Run what is left of *queue*'s part of the delivery *fingerprint*.

    A part that fails in its *last* attempt is dead. Its time began at *since*, of the monotonic
    clock. *is_path_ours*: the job names the import path of *receiver*. Raises
    :class:`Unavailable`.
    """
    part, timeout = receiver.dispatcher.build_job(fingerprint, queue)
    lease = Lease(receiver.blocking, store, part, receiver.identity)
    states = FinalStates(failed=State.DEAD if last else State.QUEUED)
    runner = HandlerRunner(lease, timeout, states, since=since)
    claiming = lease.claim_job(part, fingerprint, timeout + LEASE_MARGIN, is_path_ours=is_path_ours)
    return run_sync(_process(receiver, runner, fingerprint, claiming))


async def _process(
    receiver: Receiver[object],
    runner: HandlerRunner,
    fingerprint: str,
    claiming: Awaitable[JobClaim],
) -> JobResult:
    claim = await claiming
    if claim.decision is JobDecision.FOREIGN:
        return JobResult(foreign=claim)
    if claim.decision is JobDecision.BUSY:
        return JobResult(seconds=min(claim.wait, BUSY_WAIT))
    if claim.decision is not JobDecision.RUN:
        return JobResult(lost=claim.decision is JobDecision.GONE)
    result = await _run(receiver, runner, fingerprint, claim)
    if result.retry_after is not None:
        return JobResult(seconds=result.retry_after)
    if result.state is State.LOST and not result.failures:
        return JobResult(seconds=BUSY_WAIT)  # Another run has it now: its end is open.
    return JobResult(failures=result.failures)


async def _run(
    receiver: Receiver[object], runner: HandlerRunner, fingerprint: str, claim: JobClaim
) -> RunResult:
    try:
        delivery, envelope = restore_delivery(receiver.sender, fingerprint, claim)
        plan = receiver.dispatcher.plan(delivery.event)
        event = parse_event(delivery.event, envelope, plan.model)
        found, failures = _remaining_handlers(plan.handlers, claim)
        again = partial(copy_event, delivery.event, envelope, plan.model)
        return await runner.run(found, event, delivery, again, failures)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a model that refuses, or the alarm between handlers.
        return await runner.abort("event", error)


def _remaining_handlers(
    handlers: Sequence[Handler], claim: JobClaim
) -> tuple[list[Handler], list[Failure]]:
    """Return the handlers that are left, and a failure for each that is missing."""
    known = {handler.name: handler for handler in handlers}
    names = [name for name in claim.expected if name not in claim.done]
    missing = [name for name in names if name not in known]
    for name in missing:
        logger.error("A delivery waits for the handler %s, which is missing here.", name)
    error = LookupError("The handler was renamed or removed, or this worker is older.")
    return (
        [known[name] for name in names if name in known],
        [Failure(name, error) for name in missing],
    )
