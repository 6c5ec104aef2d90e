"""The health of a receiver: what facts mean, and that asking is safe."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.core.health import (
    HealthFacts,
    HealthLimits,
    Probe,
    answer_probe,
    health,
    judge,
)
from florentin_webhooks.core.queue import QueueFacts
from florentin_webhooks.core.spool import SpoolFacts
from tests.support.shop import SECRET

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
WELL = QueueFacts("q", 2, NOW - timedelta(minutes=9), 1, 1, 0, 2, scheduler=True)
LIMITS = HealthLimits()


def failing(facts: HealthFacts, limits: HealthLimits = LIMITS) -> dict[str, str]:
    return {each.name: each.message for each in judge(facts, limits, NOW).checks if not each.ok}


def test_working_queue_is_healthy() -> None:
    found = judge(HealthFacts(queues=(WELL,)), LIMITS, NOW)
    assert (found.ok, found.ready) == (True, True)
    assert [each.name for each in found.checks] == [
        *("store", "queue-age:q", "workers:q", "scheduler:q", "dead:q")
    ]


@pytest.mark.parametrize(
    ("queue", "name", "message"),
    [
        (
            WELL._replace(oldest=NOW - timedelta(minutes=11)),
            "queue-age:q",
            "2 waiting in queue q, the oldest for 660 s.",
        ),
        (WELL._replace(workers=0), "workers:q", "0 workers on queue q."),
        (
            WELL._replace(scheduler=False),
            "scheduler:q",
            "1 retry in queue q; its scheduler does not run.",
        ),
        (WELL._replace(dead=3), "dead:q", "3 dead in queue q."),
    ],
)
def test_queue_with_a_problem_stays_ready(queue: QueueFacts, name: str, message: str) -> None:
    facts = HealthFacts(queues=(WELL._replace(name="other"), queue))
    assert failing(facts) == {name: message}
    found = judge(facts, LIMITS, NOW)
    assert (found.ok, found.ready) == (False, True)


def test_scheduler_is_needed_only_for_retries() -> None:
    assert failing(HealthFacts(queues=(WELL._replace(scheduler=False, scheduled=0),))) == {}


def test_limits_can_be_changed() -> None:
    facts = HealthFacts(queues=(WELL._replace(dead=3, oldest=NOW - timedelta(hours=1)),))
    assert failing(facts, HealthLimits(timedelta(hours=2), dead=3)) == {}


def test_clock_that_is_behind_makes_no_job_old() -> None:
    ahead = WELL._replace(oldest=NOW + timedelta(hours=1))
    assert judge(HealthFacts(queues=(ahead,)), LIMITS, NOW).checks[1].message.endswith("0 s.")


def test_store_without_an_answer_is_not_ready() -> None:
    store = RedisStore("redis://:made-up-password@127.0.0.1:1/0")
    hooks = Receiver(SECRET, store=store, queue="q")
    found = health(hooks)
    (check,) = found.checks
    assert (check.name, found.ready, found.ok) == ("store", False, False)
    fields = json.loads(found.to_json())
    assert fields["checks"] == [{"name": "store", "ok": False, "message": check.message}]
    assert "made-up-password" not in str(fields)


def test_memory_store_is_ready() -> None:
    found = health(Receiver(SECRET, store=MemoryStore()))
    assert json.loads(found.to_json()) == {
        "ok": True,
        "ready": True,
        "checks": [{"name": "store", "ok": True, "message": "The store answers."}],
    }


# --- with a spool ---

SPOOL = SpoolFacts("/var/spool.db", 3, NOW - timedelta(seconds=90), 1 << 20, 100 << 20)


@pytest.mark.parametrize(
    ("spool", "message"),
    [
        (SPOOL, ""),
        (
            SPOOL._replace(oldest=NOW - timedelta(hours=1)),
            "3 waiting in the spool, the oldest for 3600 s; 1024 of 102400 KiB are used.",
        ),
        (SPOOL._replace(size=99 << 20), "3 waiting in the spool"),
        (SPOOL._replace(error="The folder is missing."), "The folder is missing."),
    ],
)
def test_spool_that_is_old_full_or_lost_fails(spool: SpoolFacts, message: str) -> None:
    found = failing(HealthFacts(spool=spool)).get("spool", "")
    assert found.startswith(message)
    assert bool(found) == bool(message)
    assert judge(HealthFacts(spool=spool), LIMITS, NOW).ready


@pytest.mark.parametrize(
    ("spool", "ready"),
    [(SPOOL, True), (SPOOL._replace(size=99 << 20), False), (SPOOL._replace(error="."), False)],
)
def test_spool_with_room_is_ready_without_the_store(spool: SpoolFacts, ready: bool) -> None:
    found = judge(HealthFacts("Redis does not answer.", spool=spool), LIMITS, NOW)
    assert (found.ready, found.ok) == (ready, False)


def test_probe_of_a_spooling_receiver_is_200_for_ready(tmp_path: Path) -> None:
    store = RedisStore("redis://127.0.0.1:1/0")
    hooks = Receiver(SECRET, store=store, spool=tmp_path / "spool.db")
    assert [answer_probe(hooks, probe)[0] for probe in (Probe.READY, Probe.ALL)] == [200, 503]
    (tmp_path / "spool.db").mkdir()
    assert answer_probe(hooks, Probe.READY)[0] == 503
