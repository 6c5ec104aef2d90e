"""What the tests that run type checkers share."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CACHE = Path(__file__).parents[2] / ".mypy_cache" / "typing"


@contextmanager
def mypy_cache() -> Iterator[Path]:
    """A cache for mypy as users run it, for one process of the tests at a time.

    Two that write to its databases at once lock each other out; the second one to come finds it
    filled.
    """
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _CACHE
