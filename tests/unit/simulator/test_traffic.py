"""Changes at random: they fire all ten events, the same ones for a seed."""

from __future__ import annotations

from florentin_webhooks.events import CATALOGUE
from florentin_webhooks.simulator import Simulator
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
