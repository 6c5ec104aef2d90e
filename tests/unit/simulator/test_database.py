"""The file of a simulated domain."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.simulator import Simulator
from florentin_webhooks.simulator.database import Database
from tests.support.simulated import Domain


def test_state_survives_a_restart_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with Simulator(path) as simulator:
        key = Domain(simulator).customer()
    with Simulator(path) as simulator:
        assert Domain(simulator).get(f"/customers/{key}")["data"]["id"] == key
    assert path.stat().st_mode & 0o077 == 0


def test_file_of_a_running_simulator_is_refused(tmp_path: Path) -> None:
    with Simulator(tmp_path / "state"), pytest.raises(ConfigurationError, match="Stop the other"):
        Simulator(tmp_path / "state")


def test_other_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match="not a database"):
        Simulator(tmp_path / "state")


def test_failed_transaction_changes_nothing() -> None:
    database = Database()
    insert = "INSERT INTO replies VALUES ('key', x'00', 200, '')"
    with pytest.raises(Unavailable), database.transaction() as connection:
        connection.execute(insert).execute("INSERT INTO nothing VALUES (1)")
    with database.transaction() as connection:
        assert connection.execute("SELECT * FROM replies").fetchall() == []
    database.close()
