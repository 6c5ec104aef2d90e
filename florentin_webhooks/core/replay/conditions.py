"""When a remembered delivery cannot be replayed or discarded, and the errors that say so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Status
from florentin_webhooks.errors import WebhookError

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = [
    "NotReplayable",
    "PossiblyProcessed",
    "ensure_own",
    "ensure_queue",
    "ensure_replayable",
    "ensure_unprocessed",
    "is_running",
    "not_replayable",
]


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


def ensure_own(hooks: Receiver[object], record: Record) -> None:
    """Refuse a delivery that was queued by another program: its handlers are not here."""
    path = record.owner.partition(" ")[0]
    is_own_path = not path or path == hooks.path
    if not is_own_path and not hooks.identity.owns(record.owner, hooks.path):
        raise not_replayable(
            record, f"it belongs to {path}", f"Use the command with that receiver: {path}."
        )


def ensure_queue(hooks: Receiver[object], record: Record) -> None:
    """Refuse a delivery with parts in queues, of which this receiver knows none."""
    if record.waiting and hooks.queue is None:
        queues = ", ".join(record.waiting)
        reason = f"it was queued in {queues}, and this receiver has no queue"
        raise not_replayable(record, reason, "Use the program that has the queue.")


def ensure_replayable(record: Record, *, all_handlers: bool) -> None:
    """Refuse a delivery that is being processed, that is done, or whose body is deleted."""
    if all_handlers and (record.state is State.QUEUED or is_running(record)):
        raise not_replayable(record, f"it is {record.state}", "Replay it when it has finished.")
    if record.state is State.DONE and not all_handlers:
        raise not_replayable(
            record, "all its handlers are done", "To run them again, replay all handlers."
        )
    if not record.body:
        raise not_replayable(record, "its body is deleted", "Ask the sender to send it again.")


def is_running(record: Record) -> bool:
    """Return whether inline handlers run: one whose process has died, and its lease, does not."""
    return record.state is State.RUNNING and record.status(datetime.now(UTC)) is Status.RUNNING


def ensure_unprocessed(hooks: Receiver[object], delivery: Delivery) -> None:
    """Refuse a stale delivery that is older than what the store remembers."""
    age = datetime.now(UTC) - delivery.timestamp
    if age > hooks.store.retention:
        raise PossiblyProcessed(
            delivery.fingerprint,
            f"its event is {age.days} days and {age.seconds // 3600} hours old, finished "
            f"deliveries are remembered for {hooks.store.retention}, so it may have run before",
            "If it has not, replay it though it is late.",
            State.STALE,
        )


def not_replayable(record: Record, reason: str, hint: str = "") -> NotReplayable:
    """Return the error for *record*, with its state."""
    return NotReplayable(record.fingerprint, reason, hint, record.state)
