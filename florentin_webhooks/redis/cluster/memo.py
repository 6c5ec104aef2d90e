"""The lanes of the deliveries that this process has just accepted."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from florentin_webhooks.redis.cluster.lanes import Lane

__all__ = ["LaneMemo"]

_MOST = 10_000


class LaneMemo:
    """The lanes of at most *most* deliveries by their keys: the operations that follow need them.

    A delivery that is missing is searched for in all lanes.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._lanes: dict[bytes, Lane] = {}
        self._lock = Lock()
        self._most = most

    def get(self, key: bytes) -> Lane | None:
        """Return the lane of *key*, if it is remembered."""
        return self._lanes.get(key)

    def add(self, key: bytes, lane: Lane) -> None:
        """Remember the *lane* of *key*; forget the oldest one where there are too many."""
        with self._lock:
            self._lanes[key] = lane
            if len(self._lanes) > self._most:
                del self._lanes[next(iter(self._lanes))]
