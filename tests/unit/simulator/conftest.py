"""A simulated domain in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from florentin_webhooks.simulator import Simulator
from tests.support.simulated import Domain


@pytest.fixture
def domain() -> Iterator[Domain]:
    with Simulator() as simulator:
        yield Domain(simulator)
