"""``health`` says whether a receiver works, also by its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from florentin_webhooks.cli.commands import health
from florentin_webhooks.core.health import Health, HealthLimits
from tests.support.operated import Operated


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def test_queues_without_workers_are_failing(shop: Operated) -> None:
    result = shop.types("health")
    assert result.exit_code == 1
    assert f"ok       {shop.app}  The store answers." in result.stdout
    assert f"failing  {shop.app}  0 workers on queue papers." in result.stdout
    fields = shop.json("health")[0]
    assert (fields["ok"], fields["ready"], fields["app"]) == (False, True, shop.app)
    failing = [check["name"] for check in fields["checks"] if not check["ok"]]
    assert failing == ["workers:florentin", "workers:papers"]


def test_store_that_answers_is_ready_without_workers(shop: Operated) -> None:
    result = shop.types("health", "--ready")
    assert (result.exit_code, result.stdout) == (0, f"ok  {shop.app}  The store answers.\n")


def test_options_are_the_limits_of_health(shop: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[HealthLimits] = []

    def judge(_facts: object, limits: HealthLimits, _now: object) -> Health:
        seen.append(limits)
        return Health(())

    monkeypatch.setattr(health, "judge", judge)
    assert shop.types("health", "--queue-age", "5", "--dead", "2").exit_code == 0
    assert seen == [HealthLimits(timedelta(seconds=5), 2)]


def test_store_without_an_answer_has_its_own_code(
    shop: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_REDIS", "redis://:made-up-password@127.0.0.1:1/0")
    result = shop.types("health")
    assert result.exit_code == 4
    assert result.stdout.startswith(f"failing  {shop.app}  ")
    assert "-> Start the server, or correct host, port and firewall." in result.stdout
    (check,) = shop.json("health")[0]["checks"]
    assert check["hint"].startswith("Start the server")
    assert "made-up-password" not in result.output


def test_store_of_another_process_cannot_be_checked(shop: Operated) -> None:
    result = shop.types("health", app=shop.app.replace(":hooks", ":inline"))
    assert result.exit_code == 2
    assert "uses MemoryStore, which other processes cannot read" in result.stderr
