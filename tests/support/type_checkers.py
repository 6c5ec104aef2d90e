"""The cache of the tests that run mypy."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CACHE = Path(__file__).parents[2] / ".mypy_cache" / "typing"


@contextmanager
def mypy_cache() -> Iterator[Path]:
    """Yield mypy's cache to one process at a time.

    Two that write to its databases at once lock each other out.
    """
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _CACHE
