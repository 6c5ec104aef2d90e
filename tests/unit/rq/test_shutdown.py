"""Signals that wait until what must not be interrupted is over."""

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


def test_a_signal_waits_for_the_end_of_the_block() -> None:
    reached: list[str] = []

    def interrupted() -> None:
        with defer_signals():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached


def test_what_signals_did_before_they_do_again() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with defer_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_process_that_is_forked_inside_is_ended_by_a_signal() -> None:
    told = subprocess.run([sys.executable, "-c", FORKS], check=True, capture_output=True, text=True)
    assert int(told.stdout) == -signal.SIGTERM
