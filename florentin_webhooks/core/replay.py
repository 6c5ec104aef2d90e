"""Do a remembered delivery again, or drop it: what operators ask for, whatever they ask it with.

A remembered delivery was genuine when it came, so neither signature nor age is judged again. From
there on it takes the way of any other: inline handlers run here, queued ones are pushed and have
all their retries, and the store sees to it that nobody else does the same at the same time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.runtime import BLOCKING, run_sync
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, ResetMode, ResetRecord
from florentin_webhooks.errors import MalformedDelivery, Unavailable, WebhookError
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = ["NotReplayable", "PossiblyProcessed", "ReplayResult", "drop", "replay", "try_replay"]

_NOTHING_RAN = {
    Outcome.DUPLICATE: "it is queued and will be done without this; if it is dead, its handlers "
    "were renamed or moved to another queue: do all of it again",
    Outcome.IGNORED: "no handler wants it any more",
    Outcome.IN_PROGRESS: "its handlers are running right now",
}


class NotReplayable(WebhookError):
    """Say why a delivery cannot be done again, or dropped; *state* is the one that it is in."""

    code = "not-replayable"

    def __init__(self, fingerprint: str, reason: str, state: State | None = None) -> None:
        super().__init__(f"{fingerprint}: {reason}")
        self.fingerprint = fingerprint
        self.reason = reason
        self.state = state


class PossiblyProcessed(NotReplayable):
    """Say that a delivery came so late that nothing shows any more whether it ran before."""

    code = "may-have-run"


def replay(
    hooks: Receiver, fingerprint: str, *, all_handlers: bool = False, though_late: bool = False
) -> Reply:
    """Do what is left of the delivery, or with *all_handlers* all of it, also what is done.

    Raises :class:`NotReplayable` where it is under way or its body was let go,
    :class:`PossiblyProcessed` for a stale one that is older than the store's memory, unless it
    shall run *though_late*, and :class:`Unavailable`.
    """
    record = _find(hooks, fingerprint)
    _refuse(record, all_handlers=all_handlers)
    delivery, envelope = restore_delivery(fingerprint, record)
    if record.state is State.STALE and not though_late:
        _refuse_late(hooks, delivery)
    if all_handlers:
        hooks.store.execute(ResetRecord(_key(record), ResetMode.ALL, _jobs(hooks, record)))
    reply = run_sync(hooks.process(delivery, envelope, BLOCKING))
    if reply.outcome in _NOTHING_RAN:
        raise _refused(record, _NOTHING_RAN[reply.outcome])
    return reply


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The outcome of one replay, with the reason why the delivery is not done."""

    fingerprint: str
    outcome: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether all handlers are done, or queued again."""
        return self.outcome in (Outcome.PROCESSED, Outcome.ACCEPTED)

    @property
    def needs_confirmation(self) -> bool:
        """Whether its handlers may have run before."""
        return self.outcome == PossiblyProcessed.code


def try_replay(
    hooks: Receiver, fingerprint: str, *, all_handlers: bool = False, though_late: bool = False
) -> ReplayResult:
    """Return the result of :func:`replay`, also where it is refused; raises Unavailable."""
    try:
        reply = replay(hooks, fingerprint, all_handlers=all_handlers, though_late=though_late)
    except NotReplayable as error:
        return ReplayResult(fingerprint, error.code, error.reason)
    except MalformedDelivery as error:
        return ReplayResult(fingerprint, error.code, error.message)
    reason = "" if reply.error is None else _failures(hooks, fingerprint) or str(reply.error)
    return ReplayResult(fingerprint, reply.outcome.value, reason)


def _failures(hooks: Receiver, fingerprint: str) -> str:
    """Return which handlers failed, as the store remembers it."""
    with suppress(Unavailable):
        record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        return "; ".join(record.reasons.values()) if record else ""
    return ""


def drop(hooks: Receiver, fingerprint: str) -> Record:
    """Let the delivery go unfinished: it counts as done, its body is deleted; give what it was.

    Raises :class:`NotReplayable` where it is done or being done, and :class:`Unavailable`.
    """
    record = _find(hooks, fingerprint)
    if record.state in (State.DONE, State.RUNNING):
        raise _refused(record, f"it is {record.state}: there is nothing left to drop")
    hooks.store.execute(ResetRecord(_key(record), ResetMode.DROP, _jobs(hooks, record)))
    logger.warning("dropped %s, which was %s", fingerprint, record.state)
    return record


def _find(hooks: Receiver, fingerprint: str) -> Record:
    record = hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
    if record is None:
        reason = "nothing is known of it; it was never received, or its time is over"
        raise NotReplayable(fingerprint, reason)
    return record


def _refuse(record: Record, *, all_handlers: bool) -> None:
    if record.state in (State.QUEUED, State.RUNNING) and all_handlers:
        raise _refused(record, f"it is {record.state}; do all of it again when that is over")
    if record.state is State.DONE and not all_handlers:
        raise _refused(record, "all its handlers are done; only all_handlers runs them again")
    if not record.body:
        raise _refused(record, "its body was let go; ask Florentin to send it again")


def _refuse_late(hooks: Receiver, delivery: Delivery) -> None:
    age = datetime.now(UTC) - delivery.timestamp
    if age > hooks.store.retention:
        raise PossiblyProcessed(
            delivery.fingerprint,
            f"its event is {age.days} days and {age.seconds // 3600} hours old, and what was done "
            f"is remembered for {hooks.store.retention} only, so it may have run before",
            State.STALE,
        )


def _jobs(hooks: Receiver, record: Record) -> tuple[Job, ...]:
    return tuple(hooks.build_job(record.fingerprint, queue)[0] for queue in record.waiting)


def _key(record: Record) -> bytes:
    return bytes.fromhex(record.fingerprint)


def _refused(record: Record, reason: str) -> NotReplayable:
    return NotReplayable(record.fingerprint, reason, record.state)
