"""Put signals off while something must not be interrupted."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["signals_deferred"]

_ENDING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_deferred() -> Generator[None]:
    """Have SIGTERM and Ctrl-C wait for the end of the block; for the main thread.

    A process that is forked inside does not wait: there they do what they do by default.
    """
    parent, noted = os.getpid(), list[int]()

    def note(number: int, _: object) -> None:
        if os.getpid() != parent:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        noted.append(number)

    before = {number: signal.signal(number, note) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in noted:
            signal.raise_signal(late)
