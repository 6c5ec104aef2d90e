"""Signals that are deferred to the end of a block."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from florentin_webhooks.rq.shutdown import defer_signals

FORKS = """
import os, signal
from florentin_webhooks.rq.shutdown import defer_signals
with defer_signals():
    child = os.fork()
    if not child:
        signal.raise_signal(signal.SIGTERM)
        os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_signal_is_deferred_to_the_end_of_the_block() -> None:
    reached: list[str] = []

    def interrupted() -> None:
        with defer_signals():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached


def test_signal_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with defer_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_signal_ends_a_process_forked_inside_the_block() -> None:
    result = subprocess.run(
        [sys.executable, "-c", FORKS], check=True, capture_output=True, text=True
    )
    assert int(result.stdout) == -signal.SIGTERM
