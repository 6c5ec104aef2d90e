"""Replaying or discarding remembered deliveries, for operators.

A remembered delivery was genuine when it arrived, so neither signature nor age is checked again.
From there on it is processed as any other: inline handlers run here, queued ones are pushed with
all their retries, and the store allows one run at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import EnqueueScheduled
from florentin_webhooks.core.stores.queries import GetRecord, ResetMode, ResetRecord
from florentin_webhooks.errors import MalformedDelivery, Unavailable, WebhookError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.replies import success

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.routing.dispatch import DispatchPlan
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = [
    "NotReplayable",
    "PossiblyProcessed",
    "ReplayResult",
    "Run",
    "drop",
    "plan_record",
    "replay",
    "try_replay",
]

Run = Callable[["Delivery", "Mapping[str, object]"], "Reply"]
"""Processes a delivery that is stored, and its envelope."""

_NOTHING_RAN = {
    Outcome.DUPLICATE: (
        "it is queued, or its handlers were renamed or moved to another queue",
        "Wait for its worker; if it is dead, replay all handlers.",
    ),
    Outcome.IGNORED: ("no handler is registered for it", "Register a handler for the event."),
    Outcome.IN_PROGRESS: ("its handlers are running", "Wait until they have finished."),
}


class NotReplayable(WebhookError):
    """A delivery that cannot be replayed or discarded in its present *state*.

    *reason* is the cause as a clause, for a sentence of the caller.
    """

    code = "not-replayable"

    def __init__(
        self, fingerprint: str, reason: str, hint: str = "", state: State | None = None
    ) -> None:
        super().__init__(f"Delivery {fingerprint} was left unchanged: {reason}.", hint)
        self.fingerprint = fingerprint
        self.reason = reason
        self.state = state


class PossiblyProcessed(NotReplayable):
    """A stale delivery that may have run before, longer ago than the store remembers."""

    code = "may-have-run"


def replay(
    hooks: Receiver[object],
    fingerprint: str,
    *,
    all_handlers: bool = False,
    handler: str = "",
    though_late: bool = False,
    run: Run | None = None,
) -> Reply:
    """Run the unfinished handlers of a delivery, or all of them with *all_handlers*.

    A job that waits for its next attempt has that attempt now. With the name of a *handler*, that
    one runs again although it is done. *run* processes the delivery, by default in this thread.
    Raises :class:`NotReplayable` if it is being processed or its body was deleted,
    :class:`PossiblyProcessed` for a stale one that is older than the store's retention, unless
    *though_late*, and :class:`Unavailable`.
    """
    record = _get_record(hooks, fingerprint)
    _ensure_own(hooks, record)
    _ensure_queue(hooks, record)
    _ensure_replayable(record, all_handlers=all_handlers or bool(handler))
    delivery, envelope = restore_delivery(hooks.sender, record.fingerprint, record)
    if record.state is State.STALE and not though_late:
        _ensure_unprocessed(hooks, delivery)
    if _enqueue_scheduled(hooks, record):
        return success(Outcome.ACCEPTED, record.fingerprint)
    if all_handlers or handler:
        jobs, chosen = _jobs(hooks, record), (handler,) if handler else ()
        hooks.store.execute(ResetRecord(_to_key(record), ResetMode.ALL, jobs, chosen))
    reply = (run or partial(_run_here, hooks))(delivery, envelope)
    if reply.outcome in _NOTHING_RAN:
        raise _not_replayable(record, *_NOTHING_RAN[reply.outcome])
    return reply


def _enqueue_scheduled(hooks: Receiver[object], record: Record) -> bool:
    """Push the jobs of *record* that wait for their next attempt; return whether that is all."""
    if record.state not in (State.QUEUED, State.DEAD) or not record.next_attempts:
        return False
    jobs = [hooks.build_job(record.fingerprint, queue)[0] for queue in record.open_queues]
    found = hooks.store.execute(EnqueueScheduled(_to_key(record), tuple(jobs)))
    return bool(found) and record.state is State.QUEUED


def _run_here(hooks: Receiver[object], delivery: Delivery, envelope: Mapping[str, object]) -> Reply:
    return run_sync(hooks.process(delivery, envelope, hooks.blocking))


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The outcome of one replay; *reason* and *hint* if the delivery is not done."""

    fingerprint: str
    outcome: str
    reason: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether all handlers are done, or queued again."""
        return self.outcome in (Outcome.PROCESSED, Outcome.ACCEPTED)

    @property
    def needs_confirmation(self) -> bool:
        """Whether its handlers may have run before."""
        return self.outcome == PossiblyProcessed.code


def try_replay(
    hooks: Receiver[object],
    fingerprint: str,
    *,
    all_handlers: bool = False,
    handler: str = "",
    though_late: bool = False,
    run: Run | None = None,
) -> ReplayResult:
    """Return the result of :func:`replay`, also where it is refused; raises Unavailable."""
    try:
        reply = replay(
            hooks,
            fingerprint,
            all_handlers=all_handlers,
            handler=handler,
            though_late=though_late,
            run=run,
        )
    except NotReplayable as error:
        return ReplayResult(fingerprint, error.code, error.reason, error.hint)
    except MalformedDelivery as error:
        return ReplayResult(fingerprint, error.code, error.reason, error.hint)
    if reply.error is None:
        return ReplayResult(fingerprint, reply.outcome.value)
    reason = _failures(hooks, fingerprint) or reply.error.message.rstrip(".")
    return ReplayResult(fingerprint, reply.outcome.value, reason, reply.error.hint)


def _failures(hooks: Receiver[object], fingerprint: str) -> str:
    """Return which handlers failed, as the store remembers it."""
    with suppress(Unavailable):
        record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        return "; ".join(record.reasons.values()) if record else ""
    return ""


def plan_record(hooks: Receiver[object], record: Record) -> DispatchPlan:
    """Return where the handlers of *record* run, of each item if it is a list with its body."""
    with suppress(MalformedDelivery):
        if hooks.dispatcher.batching is not None and record.body:
            delivery, envelope = restore_delivery(hooks.sender, record.fingerprint, record)
            return hooks.dispatcher.plan_delivery(delivery.event, envelope)
    return hooks.dispatcher.plan(record.event)


def drop(hooks: Receiver[object], fingerprint: str) -> Record:
    """Discard an unfinished delivery and return its last record.

    It counts as done from now on, and its body is deleted. Raises :class:`NotReplayable` if it is
    done or running, and :class:`Unavailable`.
    """
    record = _get_record(hooks, fingerprint)
    _ensure_own(hooks, record)
    _ensure_queue(hooks, record)
    if record.state in (State.DONE, State.RUNNING):
        raise _not_replayable(record, f"it is {record.state}")
    hooks.store.execute(ResetRecord(_to_key(record), ResetMode.DROP, _jobs(hooks, record)))
    logger.warning("dropped %s, which was %s", fingerprint, record.state)
    return record


def _get_record(hooks: Receiver[object], fingerprint: str) -> Record:
    record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
    if record is None:
        raise NotReplayable(
            fingerprint,
            "it is unknown: never received, or its record has expired",
            "Check the fingerprint: florentin-webhooks deliveries list.",
        )
    return record


def _ensure_own(hooks: Receiver[object], record: Record) -> None:
    """Refuse a delivery that was queued by another program: its handlers are not here."""
    path = record.owner.partition(" ")[0]
    is_own_path = not path or path == hooks.path
    if not is_own_path and not hooks.identity.owns(record.owner, hooks.path):
        raise _not_replayable(
            record, f"it belongs to {path}", f"Use the command with that receiver: {path}."
        )


def _ensure_queue(hooks: Receiver[object], record: Record) -> None:
    """Refuse a delivery with parts in queues, of which this receiver knows none."""
    if record.waiting and hooks.queue is None:
        queues = ", ".join(record.waiting)
        reason = f"it was queued in {queues}, and this receiver has no queue"
        raise _not_replayable(record, reason, "Use the program that has the queue.")


def _ensure_replayable(record: Record, *, all_handlers: bool) -> None:
    if record.state in (State.QUEUED, State.RUNNING) and all_handlers:
        raise _not_replayable(record, f"it is {record.state}", "Replay it when it has finished.")
    if record.state is State.DONE and not all_handlers:
        raise _not_replayable(
            record, "all its handlers are done", "To run them again, replay all handlers."
        )
    if not record.body:
        raise _not_replayable(record, "its body is deleted", "Ask the sender to send it again.")


def _ensure_unprocessed(hooks: Receiver[object], delivery: Delivery) -> None:
    age = datetime.now(UTC) - delivery.timestamp
    if age > hooks.store.retention:
        raise PossiblyProcessed(
            delivery.fingerprint,
            f"its event is {age.days} days and {age.seconds // 3600} hours old, finished "
            f"deliveries are remembered for {hooks.store.retention}, so it may have run before",
            "If it has not, replay it though it is late.",
            State.STALE,
        )


def _jobs(hooks: Receiver[object], record: Record) -> tuple[Job, ...]:
    return tuple(hooks.build_job(record.fingerprint, queue)[0] for queue in record.waiting)


def _to_key(record: Record) -> bytes:
    return bytes.fromhex(record.fingerprint)


def _not_replayable(record: Record, reason: str, hint: str = "") -> NotReplayable:
    return NotReplayable(record.fingerprint, reason, hint, record.state)
