"""What can be done with a simulated domain from a program."""

from __future__ import annotations

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.simulator import Simulator
from tests.support.simulated import Played
from tests.support.waiting import eventually

SECRET = "a-secret-of-the-simulator-tests"


def test_traffic_makes_as_many_changes_as_asked_for() -> None:
    with Simulator() as simulator:
        load = simulator.generate(1000, limit=20)
        load.join()
        assert load.made == 20


def test_due_deliveries_are_sent_in_the_background() -> None:
    with Simulator() as simulator:
        simulator.add_endpoint("http://127.0.0.1:9/", SECRET)
        (key,) = simulator.fire("user.login")
        eventually(lambda: simulator.deliveries()[0].attempts)
        assert simulator.deliveries()[0].id == key


def test_event_that_the_sender_cannot_write_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    played.simulator.add_endpoint("http://127.0.0.1:8000/", SECRET)
    with pytest.raises(ConfigurationError, match=r"cannot send 'user\.login'"):
        played.simulator.fire("user.login", {"user": {1, 2}})


def test_speed_of_zero_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="speed is 0"):
        Simulator(speed=0)
