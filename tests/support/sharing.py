"""What processes do that share the test files: begin with the longest, and report what counts.

pytest-xdist sends six messages for each test, which takes longer than most tests.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

LONGEST = (
    "tests/unit/test_typing.py",
    "tests/faults/",
    "tests/integration/test_benchmarks.py",
    "tests/integration/cli/",
    "tests/integration/test_docs",
    "tests/integration/test_floors.py",
    "tests/integration/rq/",
    "tests/conformance/",
)
"""The files that take longest, in this order; most of the time they wait."""


def register_in_worker(config: pytest.Config) -> None:
    """Register what follows in a process that shares the files with others."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Worker(config), "sharing")


class Worker:
    """One of the processes."""

    def __init__(self, config: pytest.Config) -> None:
        # These two add up all reports of a test.
        self._brief = not (config.option.durations or config.option.xmlpath)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_rank)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run a test, and report no setup and no teardown that passed."""
        if not self._brief:
            return None
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if report.when == "call" or not report.passed:
                item.ihook.pytest_runtest_logreport(report=report)
        return True


def _rank(item: pytest.Item) -> int:
    ranks = (rank for rank, start in enumerate(LONGEST) if item.nodeid.startswith(start))
    return next(ranks, len(LONGEST))
