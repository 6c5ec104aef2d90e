"""`florentin-webhooks reconcile`: the simulator's log beside the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from florentin_webhooks.simulator.webhooks.entries import State
from florentin_webhooks.simulator.webhooks.faults import Fault
from florentin_webhooks.simulator.webhooks.log import to_csv, to_json
from tests.support.command_line import SECRET, error
from tests.support.operated import Operated
from tests.support.simulated import Played


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def play(shop: Operated, patch: pytest.MonkeyPatch) -> Played:
    """Send a login that is handled, one whose answers are lost, and one that never arrives."""
    played = Played(patch, now=True, speed=1000)
    played.simulator.add_endpoint("http://127.0.0.1:8000/", SECRET)
    played.hooks = shop.hooks()
    played.simulator.fire("user.login")
    played.run()
    played.simulator.fire("user.login", fault=Fault.DROP_ANSWER)
    played.answers = [200, *[500] * 3]
    for wait in (0, 0.03, 0.12, 0.3):
        played.run(wait)
    played.simulator.fire("user.login")
    played.answers = [500] * 4
    for wait in (0, 0.03, 0.12, 0.3):
        played.run(wait)
    return played


@pytest.mark.parametrize("form", ["csv", "json"])
def test_log_of_the_simulator_is_compared_with_the_store(
    form: str, shop: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(shop, monkeypatch)
    lost, answered, agreed = played.simulator.deliveries()
    path = shop.directory / f"log.{form}"
    path.write_text({"csv": to_csv, "json": to_json}[form](played.simulator.deliveries()))
    *found, last = shop.json("reconcile", "--log", str(path), "--all")
    verdicts = {each["id"]: each["verdict"] for each in found}
    assert verdicts == {lost.id: "missing", answered.id: "answer-lost", agreed.id: "agreed"}
    assert {each["replay"] for each in found} == {None}
    assert last["summary"]["missing"] == 1
    result = shop.types("reconcile", "--log", str(path))
    assert result.exit_code == 1
    assert agreed.id not in result.stdout
    assert "1 missing" in result.stderr
    assert "replay them in the sender's log" in result.stderr
    assert re.search("Answer lost: .* Do nothing.", result.stderr)
    played.simulator.replay(lost.id)
    played.run()
    assert played.last().state is State.DELIVERED
    path.write_text(to_csv(played.simulator.deliveries()))
    assert shop.types("reconcile", "--log", str(path)).exit_code == 0


def test_delivery_that_failed_here_is_shown_with_its_command(shop: Operated) -> None:
    broken = shop.put("broken")
    key = shop.provider.make("user.login")
    shop.provider.send(shop.hooks(), key)
    broken.unlink()
    path = shop.directory / "log.csv"
    path.write_text(f"id,status\n{key.delivery_id},500\n")
    (found, _) = shop.json("reconcile", "--log", str(path))
    assert (found["verdict"], found["here"]) == ("failed-here", "failed")
    assert found["replay"] == (
        f"florentin-webhooks deliveries replay {shop.app} {found['fingerprint']}"
    )
    said = " ".join(shop.types("reconcile", "--log", str(path)).stderr.split())
    assert f"Failed here: {found['replay']}" in said


def test_wrong_file_is_explained(shop: Operated) -> None:
    result = shop.types("reconcile", "--log", "nothing.csv")
    assert result.exit_code == 2
    assert "Cannot read nothing.csv" in error(result)
