"""The progress of a batch, in memory that a worker shares with its work-horse."""

from __future__ import annotations

import mmap
import struct

__all__ = ["Progress"]

_POSITION, _STOPPED, _NANOSECONDS = 0, 1, 2
_SIZE = struct.calcsize("q")


class Progress:
    """The position of the job that runs, whether no other may begin, and the time they took."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 3 * _SIZE)
        self._numbers = memoryview(self._memory).cast("q")

    @property
    def position(self) -> int:
        """The position of the job that began last."""
        return self._numbers[_POSITION]

    @position.setter
    def position(self, position: int) -> None:
        self._numbers[_POSITION] = position

    @property
    def is_stopped(self) -> bool:
        """Whether no other job may begin."""
        return bool(self._numbers[_STOPPED])

    def stop(self) -> None:
        """Keep other jobs from beginning."""
        self._numbers[_STOPPED] = 1

    @property
    def seconds(self) -> float:
        """The time from the start of the first job to the end of the last; 0 until then."""
        return self._numbers[_NANOSECONDS] / 1e9

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        self._numbers[_NANOSECONDS] = int(seconds * 1e9)

    def close(self) -> None:
        """Free the memory."""
        self._numbers.release()
        self._memory.close()
