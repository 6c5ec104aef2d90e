"""Values that pass between a sender and the core: what was signed, what it means, its replies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ["Answer", "HeaderDocumentation", "Message", "Metadata", "Retries", "Sample"]

MINIMUM_TOLERANCE = timedelta(minutes=5)
"""The age of a delivery that every sender's own library accepts."""

SIGNED_TIME_RETENTION = timedelta(days=1)
UNSIGNED_TIME_RETENTION = timedelta(days=30)


class Metadata(NamedTuple):
    """What is known of a genuine delivery beside its body.

    *secret* is the name of the secret that matched, *received_at* the time of arrival. The others
    come from headers, and are evidence only where the signature covers them. A delivery that is
    restored from a store has the *delivery_id* and the *event* that were stored.
    """

    secret: str
    received_at: datetime
    delivery_id: str | None = None
    event: str | None = None
    timestamp: datetime | None = None


class Message(NamedTuple):
    """What the signed bytes of a delivery mean.

    *envelope* is what the event's model validates: ``event``, ``timestamp`` and ``data``.
    *timestamp* is the time of the event, *signed_at* the signed time by which a delivery is judged,
    None where the sender signs none. *delivery_id* is an id in the signed body.
    """

    event: str
    timestamp: datetime
    envelope: Mapping[str, object]
    signed_at: datetime | None = None
    delivery_id: str | None = None


class Answer(NamedTuple):
    """The reply that a sender expects to a request of its own, such as a challenge.

    *work* is blocking work to do before the reply, such as a confirmation at the sender. It may
    raise :class:`Unavailable`.
    """

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    work: Callable[[], object] | None = None


class Sample(NamedTuple):
    """A body as a sender writes it, and the *event* that its header names, if it has one."""

    body: bytes
    event: str


class HeaderDocumentation(NamedTuple):
    """The documentation of a header: what it holds, and whether a delivery must have it."""

    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Retries:
    """The seconds between the attempts of a sender, as its documentation gives them.

    *restamped*: each attempt is signed again with a new time. *source* is where it is documented.
    """

    delays: tuple[float, ...] = ()
    restamped: bool = True
    source: str = ""

    @property
    def span(self) -> timedelta:
        """The time between the first attempt and the last."""
        return timedelta(seconds=sum(self.delays))

    @property
    def tolerance(self) -> timedelta:
        """The age that lets every documented retry through, twice over."""
        return MINIMUM_TOLERANCE if self.restamped else max(MINIMUM_TOLERANCE, 2 * self.span)

    def retention(self, *, signs_time: bool) -> timedelta:
        """Return how long a finished delivery must be remembered, so that no retry runs again."""
        least = SIGNED_TIME_RETENTION if signs_time else UNSIGNED_TIME_RETENTION
        # A delivery is accepted for the tolerance and, from a clock that is ahead, longer.
        ahead = timedelta() if self.restamped else MINIMUM_TOLERANCE
        return max(least, 2 * self.span + ahead)
