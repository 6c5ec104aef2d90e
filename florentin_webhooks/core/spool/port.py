"""What a receiver needs of a spool: appending, reading in order of arrival, and a lease."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.spool.delivery import SpooledDelivery

__all__ = ["DeliverySpool", "SpoolEntry", "SpoolFacts"]


class SpoolEntry(NamedTuple):
    """One entry of a spool; *problem* is why its *delivery* cannot be read.

    Entries with a higher *number* have arrived later.
    """

    number: int
    fingerprint: str
    owner: str
    received_at: datetime
    delivery: SpooledDelivery | None
    problem: str = ""


class SpoolFacts(NamedTuple):
    """What was found of a spool: *size* and *capacity* in bytes, *oldest* is when it arrived.

    *error* is why it cannot be used.
    """

    path: str
    waiting: int = 0
    oldest: datetime | None = None
    size: int = 0
    capacity: int = 0
    error: str = ""

    @property
    def has_room(self) -> bool:
        """Whether deliveries can be appended, as far as can be seen."""
        return not self.error and self.size < _NEARLY_FULL * self.capacity


@runtime_checkable
class DeliverySpool(Protocol):
    """Deliveries on disk, in order of arrival, for the processes of one machine.

    Every method blocks, for 2 seconds at most, and raises
    :class:`~florentin_webhooks.errors.Unavailable` if it cannot do its work.
    """

    @property
    def path(self) -> str:
        """Where it is, for messages."""
        ...

    def append(self, delivery: SpooledDelivery) -> None:
        """Write *delivery*; returns when it is on the disk. One that waits already is kept."""
        ...

    def has_waiting(self) -> bool:
        """Return whether any delivery waits; cheap."""
        ...

    def read(self, after: int, limit: int) -> Sequence[SpoolEntry]:
        """Return up to *limit* entries with a number above *after*, in order of arrival."""
        ...

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove the entries with these *numbers*."""
        ...

    def claim(self, holder: str, seconds: float) -> bool:
        """Take or extend the lease of *holder*; return False where another has it."""
        ...

    def release(self, holder: str) -> None:
        """End the lease of *holder*, if it has it."""
        ...

    def measure(self) -> SpoolFacts:
        """Return what is found; never raises."""
        ...

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        ...


_NEARLY_FULL = 0.95
