"""Events become deliveries, one for each endpoint, in the transaction of their change."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Sampling
from florentin_webhooks.simulator.webhooks.outbox import Outbox

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.simulator.webhooks.faults import Faults

__all__ = ["Publisher"]

_STEP = timedelta(milliseconds=1)
_PRUNED_EVERY = 1000
_LONGEST_DELAY = 60.0


class Publisher:
    """What *sender* sends of each event; *speed* divides the time of a delay.

    Raises :class:`ConfigurationError` for a sender that cannot write bodies here.
    """

    def __init__(self, sender: Sender, clock: Callable[[], datetime], speed: float) -> None:
        if not isinstance(sender, Sampling):
            raise ConfigurationError(
                f"{sender.name} cannot be simulated: it has no sample().",
                "Choose a sender that this package can simulate.",
            )
        self._sender = sender
        self._clock = clock
        self._longest = _LONGEST_DELAY / speed
        self._last: datetime | None = None

    def publish(
        self,
        connection: sqlite3.Connection,
        event: str,
        data: Mapping[str, object],
        faults: Faults,
        fault: str = "",
    ) -> list[str]:
        """Add a delivery of *event* for each endpoint, and return their ids.

        *fault* is one that is asked for; without it, *faults* draws.
        """
        time, ids = self._time(), list[str]()
        outbox = Outbox(connection)
        for endpoint in outbox.endpoints():
            ids.append(token_hex(12))
            sample = self._sender.sample(event, data, ids[-1], time)
            now = self._clock().timestamp()
            sequence = outbox.add(endpoint, event, sample, ids[-1], now)
            if fault:
                outbox.force(sequence, fault)
            else:
                outbox.disturb(endpoint, sequence, faults, now, self._longest)
            if sequence % _PRUNED_EVERY == 0:
                outbox.prune(sequence)
        return ids

    def _time(self) -> datetime:
        """Return the time of an event, at least a millisecond after the last.

        Two events that are alike would else have the same bytes, and be one for a receiver.
        """
        now = self._clock()
        self._last = now if self._last is None else max(now, self._last + _STEP)
        return self._last
