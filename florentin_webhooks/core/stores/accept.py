"""Operations that accept a delivery and finish its handlers, and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.protocol.fingerprint import NO_IDENTITY, RecordKey

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.fingerprint import Identity, RetryKey

__all__ = [
    "Accept",
    "AcceptDecision",
    "Claim",
    "Finish",
    "HandlerOutcome",
    "split_ending",
]


class AcceptDecision(StrEnum):
    """What the caller of :class:`Accept` must do."""

    RUN = "run"
    QUEUED = "queued"
    ELSEWHERE = "elsewhere"
    """Dead under another fingerprint: accept it again under that one, to revive it."""
    DUPLICATE = "duplicate"
    IN_PROGRESS = "in-progress"
    STALE = "stale"
    INVALID = "invalid"


class Claim(NamedTuple):
    """Answer to :class:`Accept`.

    *key* identifies the record; for a retry with a new timestamp it is the key of the first
    delivery. *done* names the handlers that have finished before. *wait* is the rest of another
    run's lease, in seconds. *id_reused*: the delivery id came with other content before.
    *id_changed*: this delivery came under another id before.
    """

    decision: AcceptDecision
    key: bytes
    attempt: int = 1
    wait: float = 0
    done: frozenset[str] = frozenset()
    id_reused: bool = False
    id_changed: bool = False


@dataclass(slots=True)
class Accept(Operation[Claim]):
    """Look a delivery up and take its lease or push its *jobs*, atomically.

    An unknown delivery that is not *fresh* is recorded as stale; one that is not *valid* (its
    model refuses it) as invalid, with the *reason*. Neither runs. With *inline* handlers, the jobs
    are pushed when the last of these has finished. A record under one of the *aliases* is the
    delivery's.
    """

    key: bytes
    trace: RetryKey | None
    token: bytes
    delivery: Delivery
    fresh: bool
    valid: bool
    inline: bool = True
    jobs: tuple[Job, ...] = ()
    identity: Identity = NO_IDENTITY
    """The receiver's, for the *aliases*: most deliveries need none in a MemoryStore."""
    reason: str = ""
    content: bytes | None = None
    """What the sender's retries have in common, as it says, also where there is no *trace*."""

    @property
    def aliases(self) -> tuple[RecordKey, ...]:
        """The keys of the same delivery under other key ids."""
        delivery, trace = self.delivery, None if self.content is None else self.trace
        content = None if trace is None else trace.content
        digest, delivery_id = delivery.digest, delivery.delivery_id
        return self.identity.aliases(delivery.key_id, digest, delivery_id, content)

    @property
    def lookups(self) -> tuple[RecordKey, ...]:
        """Every key of the delivery, under which a record may be found; its own first."""
        return (RecordKey(self.key, self.trace), *self.aliases)


class HandlerOutcome(StrEnum):
    """How a handler ended that must not run again."""

    __hash__ = str.__hash__  # As that of an Outcome.

    DONE = "done"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"


@dataclass(slots=True)
class Finish(Operation[State]):
    """Record that *handler* has ended, if given, and move the delivery to *state*.

    *note* is why the handler discarded the event, *reason* what has failed, *wait* the seconds
    until the next attempt, where they are known. RUNNING extends the lease for the next handler;
    QUEUED pushes *jobs*; DONE, FAILED and DEAD end the lease. *part* is the job whose handlers ran,
    None for inline ones. Answers the state of the record, or LOST if *token* no longer holds the
    lease.
    """

    key: bytes
    token: bytes
    state: State
    handler: str | None = None
    outcome: HandlerOutcome = HandlerOutcome.DONE
    reason: str = ""
    part: Job | None = None
    jobs: tuple[Job, ...] = ()
    note: str = ""
    wait: float | None = None

    @property
    def ending(self) -> str:
        """How the handler ended, as it is stored: the outcome, and after a colon the note."""
        return f"{self.outcome}: {self.note}" if self.note else self.outcome.value


def split_ending(stored: str) -> tuple[str, str]:
    """Return the outcome of a handler, and its note; see :attr:`Finish.ending`."""
    outcome, _, note = stored.partition(": ")
    return outcome, note
