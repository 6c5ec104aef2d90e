"""Run one queue's part of a delivery, in a worker of any queueing library.

The part is fenced: its lease belongs to one run. A run executes the handlers that the delivery was
queued for and that have not ended, so a retry repeats nothing, and a handler that is missing
(renamed, or the worker is older than the web process) keeps the part from being done.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import DeadDelivery
from florentin_webhooks.core.observer import JobStart
from florentin_webhooks.core.processing.attempt import FinalStates
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.plain_runner import DONE_RESULT, PartRunner
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.run_log import RunResult
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.core.timeouts import TimeIsOver
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.event import copy_event, parse_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.log import HandlerFailure
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store

__all__ = [
    "BUSY_WAIT",
    "ClaimedPart",
    "JobResult",
    "part_lease",
    "process_claimed_job",
    "process_job",
    "report_dead",
]

LEASE_MARGIN = 10
"""Seconds that a lease outlasts the job's time: a handler that may still run is never repeated."""

BUSY_WAIT = 15.0
"""Maximum delay in seconds before retrying a part whose lease is held."""


def part_lease(timeout: float) -> float:
    """Return the seconds of the lease of a part whose handlers have *timeout*."""
    return timeout + LEASE_MARGIN


class ClaimedPart(NamedTuple):
    """The *part* of a delivery, and the *claim* and the *token* with which a batch leased it."""

    part: Job
    claim: JobClaim
    token: bytes


class JobResult(NamedTuple):
    """How a part ended: *seconds* to wait before the next try, or what failed.

    *foreign* is the claim of a job that belongs to another program. *lost*: its record is gone.
    *trace* is what the job of the next attempt carries.
    """

    seconds: float | None = None
    failures: tuple[HandlerFailure, ...] = ()
    foreign: JobClaim | None = None
    lost: bool = False
    trace: str = ""


_SUCCEEDED = JobResult()
_LAST_STATES = FinalStates(failed=State.DEAD)
_RETRIED_STATES = FinalStates(failed=State.QUEUED)


def process_job(
    receiver: Receiver[object],
    store: Store,
    fingerprint: str,
    queue: str,
    *,
    last: bool,
    since: float,
    is_path_ours: bool = True,
    retry_in: float | None = None,
    alarm: type[BaseException] = TimeIsOver,
    trace: str = "",
) -> JobResult:
    """Run what is left of *queue*'s part of the delivery *fingerprint*.

    A part that fails in its *last* attempt is dead; another one is retried after *retry_in*
    seconds. Its time began at *since*, of the monotonic clock; *alarm* is what the worker raises
    when it is over. *is_path_ours*: the job names the import path of *receiver*. *trace* is what
    the job carries for a tracer. Raises :class:`Unavailable`.
    """
    part, timeout = receiver.dispatcher.build_job(fingerprint, queue)
    lease = Lease(receiver.blocking, store, part, receiver.identity)
    states = _LAST_STATES if last else _RETRIED_STATES
    runner = PartRunner(
        lease, timeout, states, receiver.reporter, since=since, retry_in=retry_in, alarm=alarm
    )
    claiming = lease.claim_job(part, fingerprint, part_lease(timeout), is_path_ours=is_path_ours)
    return _process(receiver, runner, fingerprint, run_sync(claiming), trace)


def process_claimed_job(
    receiver: Receiver[object],
    store: Store,
    fingerprint: str,
    claimed: ClaimedPart,
    *,
    timeout: float,
    last: bool,
    since: float,
    retry_in: float | None = None,
    alarm: type[BaseException] = TimeIsOver,
    trace: str = "",
) -> JobResult:
    """Run what is left of a part whose lease a batch has; see :func:`process_job`."""
    lease = Lease(receiver.blocking, store, claimed.part, receiver.identity)
    lease.key, lease.token, lease.seconds = fingerprint, claimed.token, part_lease(timeout)
    states = _LAST_STATES if last else _RETRIED_STATES
    runner = PartRunner(
        lease, timeout, states, receiver.reporter, since=since, retry_in=retry_in, alarm=alarm
    )
    runner.attempt = claimed.claim.attempt
    return _process_claimed(receiver, runner, fingerprint, claimed.claim, trace)


def report_dead(receiver: Receiver[object], fingerprint: str, queue: str, cause: str = "") -> None:
    """Log that a part is dead whose job has ended without us, and call the observers.

    Its worker was killed or stopped in the last attempt, unless *cause* says why.
    """
    record = receiver.store.execute(GetRecord(bytes.fromhex(fingerprint)))
    if record is None:
        return
    dead = DeadDelivery(
        fingerprint=fingerprint,
        event=record.event,
        delivery_id=record.delivery_id,
        receiver=receiver.reporter.receiver,
        queue=queue,
        attempts=record.attempts.get(queue, 0),
        reason=cause or record.reasons.get(queue) or "its worker was killed or stopped",
    )
    with receiver.handler_context():
        run_sync(receiver.reporter.died(receiver.blocking, dead))


def _process(
    receiver: Receiver[object], runner: PartRunner, fingerprint: str, claim: JobClaim, trace: str
) -> JobResult:
    runner.attempt = claim.attempt
    if claim.decision is JobDecision.FOREIGN:
        return JobResult(foreign=claim)
    if claim.decision is JobDecision.BUSY:
        return JobResult(seconds=min(claim.wait, BUSY_WAIT))
    if claim.decision is not JobDecision.RUN:
        return JobResult(lost=claim.decision is JobDecision.GONE)
    return _process_claimed(receiver, runner, fingerprint, claim, trace)


def _process_claimed(
    receiver: Receiver[object], runner: PartRunner, fingerprint: str, claim: JobClaim, trace: str
) -> JobResult:
    notifier = receiver.reporter.notifier
    if notifier is None or notifier.tracer is None:
        result = _run(receiver, runner, fingerprint, claim)
    else:
        start = JobStart(notifier.receiver, runner.queue, fingerprint, claim.attempt, trace)
        running = _run_traced(receiver, runner, fingerprint, claim)
        result, trace = run_sync(notifier.tracer.trace_job(start, running, _describe))
    if result is DONE_RESULT and not trace:
        return _SUCCEEDED
    if result.failures:
        run_sync(_report(receiver, result))
    if result.retry_after is not None:
        return JobResult(seconds=result.retry_after, trace=trace)
    if result.state is State.LOST and not result.failures:
        return JobResult(seconds=BUSY_WAIT)  # Another run has it now: its end is open.
    return JobResult(failures=result.failures, trace=trace)


def _describe(result: RunResult) -> tuple[str, str]:
    """Return the state that *result* left, and the type of the first error."""
    return result.state.value, next((type(each.error).__name__ for each in result.failures), "")


def _run(
    receiver: Receiver[object], runner: PartRunner, fingerprint: str, claim: JobClaim
) -> RunResult:
    try:
        delivery, envelope = restore_delivery(receiver.sender, fingerprint, claim)
        plan = receiver.dispatcher.plan_delivery(delivery.event, envelope)
        event = parse_event(delivery.event, envelope, plan.model)
        found, missing = _remaining_handlers(plan.handlers, claim)
        if len(found) == 1 and not missing:
            result = runner.run_one(found[0], event, delivery)
            if result is not None:
                return result
        again = partial(copy_event, delivery.event, envelope, plan.model)
        return run_sync(runner.run(found, event, delivery, again, missing))
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a model that refuses, or the alarm between handlers.
        return run_sync(runner.abort("event", error))


async def _run_traced(
    receiver: Receiver[object], runner: PartRunner, fingerprint: str, claim: JobClaim
) -> RunResult:
    """Run a part inside what awaits this, which is a tracer's span."""
    return _run(receiver, runner, fingerprint, claim)


async def _report(receiver: Receiver[object], result: RunResult) -> None:
    """Pass what has failed to the observers of *receiver*, and whether the part is dead."""
    reporter, last = receiver.reporter, result.failures[-1]
    await reporter.failed(receiver.blocking, result.failures)
    if result.state is State.DEAD:
        reason = "; ".join(failure.reason for failure in result.failures)
        await reporter.died(receiver.blocking, last.dead(reason))


def _remaining_handlers(
    handlers: Sequence[Handler], claim: JobClaim
) -> tuple[list[Handler], list[str]]:
    """Return the handlers that are left, and the names of those that are missing."""
    known = {handler.name: handler for handler in handlers}
    names = [name for name in claim.expected if name not in claim.done]
    return (
        [known[name] for name in names if name in known],
        [name for name in names if name not in known],
    )
