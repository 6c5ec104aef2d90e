"""The schedulers of all lanes: which of them works, and what an absent node costs the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import redis

from florentin_webhooks.rq.lanes import schedulers as module
from florentin_webhooks.rq.lanes.schedulers import LaneSchedulers


class Scheduler:
    """RQ's scheduler of one lane; *connection* is the lane, which knows what happens."""

    def __init__(self, names: list[str], connection: Lane, serializer: str) -> None:
        assert (names, serializer) == (["q"], "json")
        self.connection, self.acquired_locks = connection, set[str]()

    def __getattr__(self, name: str) -> Callable[[], object]:
        return lambda: self.connection.happened.append(name)

    def acquire_locks(self) -> bool:
        self.connection.happened.append("acquire_locks")
        self.acquired_locks = {"q"} if self.connection.is_free else set()
        return self.connection.is_free

    def enqueue_scheduled_jobs(self) -> None:
        self.connection.happened.append("enqueue_scheduled_jobs")
        if self.connection.is_absent:
            raise redis.ConnectionError


class Lane:
    """A client of a lane, and its pool."""

    def __init__(self, *, is_free: bool = True, is_absent: bool = False) -> None:
        self.is_free, self.is_absent, self.happened = is_free, is_absent, list[str]()
        self.connection_pool = self

    def disconnect(self) -> None:
        self.happened.append("disconnect")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "RQScheduler", Scheduler)
    return now


BIRTH = ["acquire_locks", "register_birth"]
TICK = ["enqueue_scheduled_jobs", "heartbeat"]
DEATH = ["release_locks", "register_death"]


@pytest.mark.usefixtures("clock")
def test_one_round_releases_every_lane() -> None:
    lanes = Lane(), Lane(is_free=False), Lane(is_absent=True)
    LaneSchedulers("q", cast("Any", lanes)).run_once()
    assert [each.happened for each in lanes] == [
        [*BIRTH, *TICK, *DEATH, "disconnect"],
        ["acquire_locks", "disconnect"],
        [*BIRTH, TICK[0], *DEATH, "disconnect"],
    ]


def test_lane_of_another_scheduler_is_asked_for_now_and_then(clock: list[float]) -> None:
    lane = Lane(is_free=False)
    (scheduler,) = LaneSchedulers("q", cast("Any", [lane]))._build()
    for seconds in (0, 14, 2, 0):
        clock[0] += seconds
        scheduler.tick()
    assert lane.happened == ["acquire_locks"] * 2
    lane.is_free = True
    clock[0] += 16
    scheduler.tick()
    scheduler.tick()
    assert lane.happened[2:] == [*BIRTH, *TICK, *TICK]


def test_absent_lane_is_tried_again_later(clock: list[float]) -> None:
    lane = Lane(is_absent=True)
    (scheduler,) = LaneSchedulers("q", cast("Any", [lane]))._build()
    scheduler.tick()
    lane.is_absent = False
    clock[0] += 2
    scheduler.tick()
    assert lane.happened == [*BIRTH, TICK[0]]
    clock[0] += 2
    scheduler.tick()
    assert lane.happened[3:] == TICK


def test_lane_that_was_never_asked_has_nothing_to_release() -> None:
    lane = Lane()
    (scheduler,) = LaneSchedulers("q", cast("Any", [lane]))._build()
    scheduler.release()
    assert lane.happened == []


def test_process_is_started_again_once_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        def __init__(self, **_: object) -> None:
            pass

        def start(self) -> None:
            started.append(self)

        def is_alive(self) -> bool:
            return lives

    started, lives, ended = list[Process](), True, list[Process]()
    monkeypatch.setattr(module, "get_context", lambda _: type("Context", (), {"Process": Process}))
    monkeypatch.setattr(module, "end_process", ended.append)
    schedulers = LaneSchedulers("q", [])
    schedulers.stop()
    schedulers.keep_running()
    schedulers.keep_running()
    assert len(started) == 1
    lives = False
    schedulers.keep_running()
    schedulers.stop()
    assert ended == started[1:]
