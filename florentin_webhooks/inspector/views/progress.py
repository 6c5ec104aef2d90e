"""How far the handlers of a delivery are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import HandlerOutcome
from florentin_webhooks.core.stores.queries import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.inspector.sources import HandlerPlace
    from florentin_webhooks.inspector.trail import Attempt, Story

__all__ = ["HandlerProgress", "HandlerState", "follow_handlers"]


class HandlerState(StrEnum):
    """What a handler of a delivery has done so far."""

    DONE = "done"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"
    NOT_RUN = "not run"
    """The delivery was not accepted: it is stale, or its model refuses it."""


_ENDED = {each.value: HandlerState(each.value) for each in HandlerOutcome}
_LOST = frozenset({Status.FAILED, Status.DEAD})
_NEVER = frozenset({Status.STALE, Status.INVALID})


@dataclass(frozen=True, slots=True)
class HandlerProgress:
    """A handler, its *state*, why it failed or has discarded the event, and its *attempts*."""

    name: str
    queue: str
    state: HandlerState
    reason: str = ""
    next_attempt: datetime | None = None
    attempts: Sequence[Attempt] = field(default=())

    @property
    def short_name(self) -> str:
        """The name without its module."""
        return self.name.rpartition(":")[2]


def follow_handlers(
    record: Record, places: Sequence[HandlerPlace], story: Story | None = None
) -> list[HandlerProgress]:
    """Return how far each handler of *record* is."""
    status = record.status(datetime.now(UTC))
    return [_follow(record, place, status, story) for place in places]


def _follow(
    record: Record, place: HandlerPlace, status: Status, story: Story | None
) -> HandlerProgress:
    name, queue = place
    known = story.attempts if story else ()
    attempts = [each for each in known if each.report.handler == name]
    if ended := record.handlers.get(name):
        state = _ENDED.get(ended, HandlerState.DONE)
        note = record.notes.get(name, "")
        return HandlerProgress(name, queue, state, note, attempts=attempts)
    reason = record.reasons.get(queue, "")
    own = "; ".join(part for part in reason.split("; ") if part.startswith(f"{name}: "))
    state = _unfinished(record, queue, status, has_failed=bool(own))
    due = record.next_attempts.get(queue)
    return HandlerProgress(
        name, queue, state, own.removeprefix(f"{name}: "), due, attempts=attempts
    )


def _unfinished(record: Record, queue: str, status: Status, *, has_failed: bool) -> HandlerState:
    if status in _NEVER:
        return HandlerState.NOT_RUN
    lease = record.leases.get(queue)
    if lease is not None and lease > datetime.now(UTC):
        return HandlerState.RUNNING
    if has_failed or (status in _LOST and not queue):
        return HandlerState.FAILED
    return HandlerState.WAITING
