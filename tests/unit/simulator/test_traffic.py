"""Changes at random: they fire all ten events, the same ones for a seed."""

from __future__ import annotations

import pytest

from florentin_webhooks.events import CATALOGUE
from florentin_webhooks.simulator import Simulator, documents
from florentin_webhooks.simulator.traffic import Traffic


def fired(seed: int) -> list[str]:
    simulator, traffic = Simulator(), Traffic(seed)
    events = [simulator.change(traffic.change).event for _ in range(80)]
    simulator.close()
    return events


def test_traffic_fires_every_event() -> None:
    assert {*fired(3)} == {*CATALOGUE}


def test_same_seed_makes_the_same_changes() -> None:
    assert fired(3) == fired(3)


def test_load_ends_in_a_full_domain(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(documents, "MOST_OBJECTS", 10)
    simulator = Simulator()
    load = simulator.generate(10_000)
    load.join()
    simulator.close()
    assert load.made >= 6
    assert "No more changes are made: the simulated domain has 10 objects" in caplog.text
