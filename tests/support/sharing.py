"""Processes that share the test files, forked when all tests are collected.

Each worker of pytest-xdist would collect them again, which takes a twentieth of the whole run.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, pairwise
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

import pytest
from _pytest.capture import CaptureManager
from _pytest.runner import runtestprotocol

from tests.support.fork_server import COMMANDS, WORKERS, server_path

LONGEST = (
    "tests/faults/",
    "tests/integration/test_benchmarks.py",
    "tests/integration/cli/",
    "tests/integration/test_docs",
    "tests/integration/test_floors.py",
    "tests/integration/rq/",
    "tests/conformance/",
    "tests/security/",
)
"""The files that take longest, in this order; most of the time they wait."""
OF_THE_PARENT = ("terminalreporter", "lfplugin", "nfplugin", "stepwiseplugin")
"""Plugins that need the results of all tests."""
COSTLY = ("redis_cluster", "uvicorn_servers")
"""Fixtures whose files one process runs, so that it alone has them."""
DIGITS = 8
"""The length of a number in the queue."""


class Sharing:
    """The process that collects the tests, forks the others, and reports their results."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._running: dict[Connection, int] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object:
        """Run the tests in the other processes, or collect them only."""
        if session.testsfailed or session.config.option.collectonly:
            return None
        units = _units(session.items)
        queue = _queue_of(len(units))
        for imported in (COMMANDS, WORKERS):
            server_path(imported)  # One for all processes.
        for _ in range(self._processes):
            receiver, sender = Pipe(duplex=False)
            if (pid := os.fork()) == 0:
                for each in (receiver, *self._running):
                    each.close()
                Process(session, sender).run(units[number] for number in _numbers(queue))
                return True
            sender.close()
            self._running[receiver] = pid
        os.close(queue)
        self._follow(session)
        return True

    def _follow(self, session: pytest.Session) -> None:
        """Report what the processes send, until the last one has ended."""
        left = {item.nodeid for item in session.items}
        try:
            while self._running:
                for each in wait([*self._running]):
                    assert isinstance(each, Connection)
                    left.discard(self._report_next(session, each))
        finally:
            for each in [*self._running]:
                self._end(each)
        if left:
            _fail(session, f"A process ended before these tests: {' '.join(sorted(left))}")

    def _report_next(self, session: pytest.Session, connection: Connection) -> str:
        hook = session.config.hook
        try:
            data = connection.recv()
        except EOFError:
            self._end(connection)
            return ""
        report = hook.pytest_report_from_serializable(config=session.config, data=data)
        hook.pytest_runtest_logreport(report=report)
        if session.shouldfail:
            _fail(session, str(session.shouldfail))
        return str(report.nodeid)

    def _end(self, connection: Connection) -> None:
        connection.close()
        os.waitpid(self._running.pop(connection), 0)


class Process:
    """One of the processes that run tests. It prints nothing."""

    def __init__(self, session: pytest.Session, reports: Connection) -> None:
        self._config = session.config
        self._reports = reports
        # These two add up all reports of a test.
        self._brief = not (session.config.option.durations or session.config.option.xmlpath)

    def run(self, units: Iterator[list[pytest.Item]]) -> None:
        """Run the tests of the files."""
        plugins = self._config.pluginmanager
        for name in OF_THE_PARENT:
            plugins.unregister(name=name)
        plugins.register(self)
        self._capture_alone()
        for item, following in pairwise(chain(chain.from_iterable(units), (None,))):
            self._config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _capture_alone(self) -> None:
        """Capture output in new files: the processes would share those of the parent."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        assert isinstance(capture, CaptureManager)
        capture.stop_global_capturing()
        capture.start_global_capturing()
        capture.suspend_global_capture()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run a test, and report no setup and no teardown that passed."""
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if report.when == "call" or not (report.passed and self._brief):
                self._send(report)
        return True

    def _send(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        data = hook.pytest_report_to_serializable(config=self._config, report=report)
        try:
            self._reports.send(data)
        except BrokenPipeError as error:
            raise pytest.Session.Interrupted("The parent has ended the run.") from error


def _queue_of(count: int) -> int:
    """Return a pipe from which each process takes the number of its next unit."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(b"%0*d" % (DIGITS, number) for number in range(count)))
    os.close(writing)
    return reading


def _numbers(queue: int) -> Iterator[int]:
    while word := os.read(queue, DIGITS):
        yield int(word)


def _fail(session: pytest.Session, reason: str) -> None:
    session.shouldfail = reason
    raise session.Failed(reason)


def _units(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    """Part the tests by files, but for files that need the same costly fixture."""
    needs: dict[Path, str] = {}
    for item in items:
        for name in {*COSTLY}.intersection(getattr(item, "fixturenames", ())):
            needs[item.path] = name
    units: defaultdict[Path | str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        units[needs.get(item.path, item.path)].append(item)
    return sorted(units.values(), key=lambda unit: min(map(_rank, unit)))


def _rank(item: pytest.Item) -> int:
    ranks = (rank for rank, start in enumerate(LONGEST) if item.nodeid.startswith(start))
    return next(ranks, len(LONGEST))
