"""Fixtures of the fault tests: a stage of real processes, and a seed."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.stage import Stage


class Stages:
    """One stage for many tests, since its processes take a while to start."""

    def __init__(self) -> None:
        self.kept: Stage | None = None
        self._stack = ExitStack()

    def clean(self) -> Stage:
        """Return a stage with nothing on its way."""
        if self.kept is None:
            path = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fw-"))
            self.kept = self._stack.enter_context(Stage(Path(path), proxied=True))
        self.kept.reset()
        return self.kept

    def close(self) -> None:
        self.kept = None
        self._stack.close()


@pytest.fixture
def seed() -> int:
    """Return what decides who is killed and when: $FLORENTIN_FAULT_SEED, or a random number."""
    reported = os.environ.get("FLORENTIN_FAULT_SEED")
    return int(reported) if reported else random.SystemRandom().randrange(1_000_000)


_STAGES = Stages()


@pytest.hookimpl(trylast=True)  # After the fixtures of the test.
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Close the stage after the last fault test, because idle workers still poll their server."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _STAGES.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Yield a web process and two workers, with a proxy before their server."""
    given = _STAGES.clean()
    whole = False
    try:
        yield given
        given.settle(seconds=1)
        whole = True
    finally:
        if not whole:
            _STAGES.close()  # The next test must not find the damage.
