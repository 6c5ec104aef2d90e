"""The progress of a batch, in memory that a worker shares with its work-horse."""

from __future__ import annotations

import mmap
import struct

__all__ = ["Progress"]

_POSITION, _STOPPED = 0, 8
_NUMBER = struct.Struct("q")


class Progress:
    """The position of the job that runs, and whether no other may begin."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2 * _NUMBER.size)

    @property
    def position(self) -> int:
        """The position of the job that began last."""
        return int(_NUMBER.unpack_from(self._memory, _POSITION)[0])

    @position.setter
    def position(self, position: int) -> None:
        _NUMBER.pack_into(self._memory, _POSITION, position)

    @property
    def is_stopped(self) -> bool:
        """Whether no other job may begin."""
        return bool(_NUMBER.unpack_from(self._memory, _STOPPED)[0])

    def stop(self) -> None:
        """Keep other jobs from beginning."""
        _NUMBER.pack_into(self._memory, _STOPPED, 1)

    def close(self) -> None:
        """Free the memory."""
        self._memory.close()
