"""Children are restarted when they die, and end with their parent."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from florentin_webhooks.cli.devserver.supervisor import Child, Supervisor
from tests.support.waiting import eventually

PYTHON = [sys.executable, "-c"]
UNTIL_EOF = [*PYTHON, "import sys; sys.stdin.read()"]


def test_closed_lifeline_ends_the_child() -> None:
    child = Child(UNTIL_EOF)
    child.start()
    assert child.alive
    child.close()
    eventually(lambda: child.code == 0)


def test_child_has_a_process_group_of_its_own() -> None:
    child = Child(UNTIL_EOF)
    child.start()
    assert child.process is not None
    assert os.getpgid(child.process.pid) == child.process.pid != os.getpgid(0)
    child.stop(grace=20)
    assert child.code == -signal.SIGTERM


def test_child_that_ignores_sigterm_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"
    child = Child([*PYTHON, f"{code}; time.sleep(60)"])
    child.start()
    # It may be killed before it ignores anything, by SIGTERM then.
    child.stop(grace=0.5)
    assert child.code in (-signal.SIGKILL, -signal.SIGTERM)


def test_child_inherits_only_the_given_descriptors(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = f"import os, socket; socket.socket(fileno={listener.fileno()}).getsockname()"
        child = Child([*PYTHON, code], [listener.fileno()])
        child.start()
        eventually(lambda: not child.alive)
        assert child.code == 0
        other = Child([*PYTHON, f"{code}; open({str(tmp_path / 'x')!r}, 'w')"])
        other.start()
        eventually(lambda: not other.alive)
        assert other.code == 1
        for each in (child, other):
            each.close()


def test_delay_doubles_with_each_early_death(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    child = Child([*PYTHON, ""])
    delays = [child.record_death() for _ in range(8)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_burst_ends_when_all_children_have_succeeded() -> None:
    children = [Child([*PYTHON, ""]) for _ in range(2)]
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        assert Supervisor(children, burst=True).run() == 0
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert [child.code for child in children] == [0, 0]


def test_dead_child_is_restarted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = f"import sys; open({str(tmp_path / 'starts')!r}, 'a').write('x'); sys.stdin.read()"
    child = Child([*PYTHON, code])
    starts = tmp_path / "starts"
    with Supervisor([child]).beside():
        eventually(lambda: starts.exists() and starts.read_text() == "x")
        assert child.process is not None
        pid = child.process.pid
        child.process.kill()
        eventually(lambda: starts.read_text() == "xx")
    assert f"Process {pid} exited with -9. Restarting in 0.5 s." in caplog.text
    assert not child.alive


def test_block_that_ends_stops_its_children() -> None:
    child = Child(UNTIL_EOF)
    with Supervisor([child]).beside():
        eventually(lambda: child.alive)
    assert not child.alive
    assert "supervisor" not in [thread.name for thread in threading.enumerate()]
