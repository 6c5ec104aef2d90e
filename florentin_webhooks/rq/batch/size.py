"""The number of jobs that a worker claims at once."""

from __future__ import annotations

__all__ = ["DEFAULT_BATCH", "MAX_BATCH", "BatchSize"]

DEFAULT_BATCH = 64
MAX_BATCH = 256
"""The claim of a batch occupies the server for some 20 us per job, and all others wait."""

_WORK = 0.5
"""Seconds of expected work in a batch."""


class BatchSize:
    """A size of at most *most*, which follows the time that handlers take.

    It begins with one and at most doubles, since nothing is known of the next handlers.
    """

    first = 1

    def __init__(self, most: int) -> None:
        self.most = most
        self.current = min(self.first, most)
        self._seconds = 0.0

    def record(self, jobs: int, seconds: float) -> None:
        """Adapt the size to *jobs* that took *seconds* together."""
        each = seconds / jobs
        # A slow job counts at once, a fast one slowly.
        self._seconds = max(each, 0.7 * self._seconds + 0.3 * each)
        affordable = int(_WORK / max(self._seconds, 1e-6))
        self.current = max(1, min(self.most, 2 * self.current, affordable))
