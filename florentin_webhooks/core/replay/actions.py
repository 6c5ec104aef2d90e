"""Replaying or discarding remembered deliveries, for operators.

A remembered delivery was genuine when it arrived, so neither signature nor age is checked again.
From there on it is processed as any other: inline handlers run here, queued ones are pushed with
all their retries, and the store allows one run at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.replay.conditions import (
    NotReplayable,
    ensure_own,
    ensure_queue,
    ensure_replayable,
    ensure_unprocessed,
    is_running,
    not_replayable,
)
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import EnqueueScheduled
from florentin_webhooks.core.stores.queries import GetRecord, ResetMode, ResetRecord
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.replies import success

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.routing.dispatch import DispatchPlan
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = ["Run", "drop", "plan_record", "replay"]

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
    ensure_own(hooks, record)
    ensure_queue(hooks, record)
    ensure_replayable(record, all_handlers=all_handlers or bool(handler))
    delivery, envelope = restore_delivery(hooks.sender, record.fingerprint, record)
    if record.state is State.STALE and not though_late:
        ensure_unprocessed(hooks, delivery)
    if _enqueue_scheduled(hooks, record):
        return success(Outcome.ACCEPTED, record.fingerprint)
    if all_handlers or handler:
        _reset(hooks, record, ResetMode.ALL, (handler,) if handler else ())
    reply = (run or partial(_run_here, hooks))(delivery, envelope)
    if reply.outcome in _NOTHING_RAN:
        raise not_replayable(record, *_NOTHING_RAN[reply.outcome])
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
    ensure_own(hooks, record)
    ensure_queue(hooks, record)
    if record.state is State.DONE or is_running(record):
        raise not_replayable(record, f"it is {record.state}")
    _reset(hooks, record, ResetMode.DROP)
    logger.warning("discarded %s, which was %s", fingerprint, record.state)
    return record


def _reset(
    hooks: Receiver[object], record: Record, mode: ResetMode, handlers: tuple[str, ...] = ()
) -> None:
    """Reset the delivery of *record*, unless it has been replayed or is running meanwhile."""
    jobs = tuple(hooks.build_job(record.fingerprint, queue)[0] for queue in record.waiting)
    reset = ResetRecord(_to_key(record), mode, jobs, handlers, record.state)
    if hooks.store.execute(reset) is None:
        raise not_replayable(
            record,
            "it has changed meanwhile",
            "Look at it again, and repeat the command if needed.",
        )


def _get_record(hooks: Receiver[object], fingerprint: str) -> Record:
    record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
    if record is None:
        raise NotReplayable(
            fingerprint,
            "it is unknown: never received, or its record has expired",
            "Check the fingerprint: florentin-webhooks deliveries list.",
        )
    return record


def _to_key(record: Record) -> bytes:
    return bytes.fromhex(record.fingerprint)
