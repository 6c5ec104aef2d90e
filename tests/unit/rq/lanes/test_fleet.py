"""A fleet of workers in one process: whose turn it is, and what an absent lane costs the others."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
import redis
from redis.exceptions import ReadOnlyError, ResponseError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.rq.lanes import fleet as fleet_module
from florentin_webhooks.rq.lanes.fleet import LaneFleet


class Stage:
    """Workers and the store of lanes with numbers of jobs; *happened* is what was done."""

    def __init__(self, *jobs: int | None) -> None:
        self.jobs, self.happened = list(jobs), list[str]()
        self.asked = list[list[int]]()
        self.now = 1000.0
        self.workers = [Worker(self, lane) for lane in range(len(jobs))]
        self.fleet = LaneFleet(cast("Any", self), "q", cast("Any", self.workers))

    def count_waiting(self, _: str, lanes: Sequence[int]) -> list[int | None]:
        self.asked.append(sorted(lanes))
        return [self.jobs[lane] for lane in lanes]

    def queue_clients(self, longest: float) -> list[float]:
        return [longest]


class Worker:
    """A worker of one lane, and its connection."""

    def __init__(self, stage: Stage, lane: int) -> None:
        self.stage, self.lane, self.connection = stage, lane, self
        self.is_started = True
        self.on_step: Callable[[], object] = lambda: None
        self.on_beat: Callable[[], object] = lambda: None
        self.on_stop: Callable[[], object] = lambda: None

    def share_process(self, keep_alive: Callable[[], None]) -> None:
        self.keep_others_alive = keep_alive

    def keep_alive(self) -> None:
        pass

    def step(self) -> bool:
        self.stage.happened.append(f"job of {self.lane}")
        self.on_step()
        self.stage.jobs[self.lane] = (self.stage.jobs[self.lane] or 1) - 1
        return True

    def heartbeat(self) -> None:
        self.stage.happened.append(f"beat of {self.lane}")
        self.on_beat()

    def request_stop(self, number: int, _: object) -> None:
        self.stage.happened.append(f"signal {number}")

    def stop(self) -> None:
        self.stage.happened.append(f"end of {self.lane}")
        self.on_stop()

    def close(self) -> None:
        self.stage.happened.append(f"close {self.lane}")


def fails(error: Exception) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(2, 1, 0)
    monkeypatch.setattr(fleet_module, "monotonic", lambda: made.now)
    return made


def jobs(stage: Stage) -> list[str]:
    return [each for each in stage.happened if each.startswith("job")]


def test_lanes_with_jobs_take_turns(stage: Stage) -> None:
    assert stage.fleet.work(burst=True)
    assert jobs(stage) == ["job of 0", "job of 1", "job of 0"]
    assert [worker.lane for worker in stage.fleet.workers] == [0, 1, 2]  # After three rounds.
    assert not stage.fleet.work(burst=True)


@pytest.mark.parametrize("error", [redis.ConnectionError(), ReadOnlyError(), Unavailable("a", "b")])
def test_absent_lane_is_left_out_for_a_while(stage: Stage, error: Exception) -> None:
    stage.workers[0].on_step = fails(error)
    stage.fleet.work(burst=True)
    assert jobs(stage) == ["job of 0", "job of 1"]
    assert stage.asked == [[0, 1, 2], [1, 2]]
    ends = {each for each in stage.happened if each.startswith(("end", "close"))}
    assert ends == {"end of 1", "end of 2", "close 0", "close 1", "close 2"}
    stage.now += 2.5
    stage.workers[0].on_step = lambda: None
    assert stage.fleet.work(burst=True)
    assert stage.asked[2] == [0, 1, 2]


def test_lane_that_does_not_answer_is_left_out(stage: Stage) -> None:
    stage.jobs[0] = None
    stage.fleet.work(burst=True)
    assert jobs(stage) == ["job of 1"]
    assert stage.asked == [[0, 1, 2], [1, 2]]


def test_error_of_a_command_ends_the_fleet(stage: Stage) -> None:
    stage.workers[0].on_step = fails(ResponseError("ERR a bug"))
    with pytest.raises(ResponseError, match="a bug"):
        stage.fleet.work(burst=True)
    assert "end of 0" in stage.happened


def test_other_lanes_are_kept_alive_while_a_job_runs(stage: Stage) -> None:
    stage.jobs = [1, 0, 0]
    stage.workers[1].on_beat = fails(redis.ConnectionError())
    stage.workers[0].on_step = stage.workers[0].keep_others_alive
    stage.fleet.work(burst=True)
    assert stage.happened[:3] == ["job of 0", "beat of 1", "beat of 2"]


def test_lane_absent_before_a_long_job_is_kept_alive(stage: Stage) -> None:
    def last() -> None:
        stage.workers[0].keep_others_alive()
        stage.now += 2.5
        stage.workers[0].keep_others_alive()

    stage.jobs = [1, None, 0]
    stage.workers[2].on_beat = fails(redis.TimeoutError())
    stage.workers[0].on_step = last
    stage.fleet.work(burst=True)
    assert stage.happened[:4] == ["job of 0", "beat of 2", "beat of 1", "beat of 2"]


def test_lane_whose_beat_fails_is_left_out(stage: Stage) -> None:
    def last() -> None:
        stage.workers[0].keep_others_alive()
        stage.workers[0].keep_others_alive()

    stage.jobs = [1, 0, 0]
    stage.workers[1].on_beat = fails(redis.TimeoutError())
    stage.workers[0].on_step = last
    stage.fleet.work(burst=True)
    assert stage.happened[:4] == ["job of 0", "beat of 1", "beat of 2", "beat of 2"]


@pytest.mark.parametrize("jobless", [1, 2])
def test_lane_without_a_worker_or_node_has_no_beat(stage: Stage, jobless: int) -> None:
    stage.jobs = [1, 0, 0]
    stage.workers[1].is_started = jobless != 1
    stage.jobs[2] = None if jobless == 2 else 0
    stage.workers[0].on_step = stage.workers[0].keep_others_alive
    stage.fleet.work(burst=True)
    assert stage.happened[:2] == ["job of 0", f"beat of {3 - jobless}"]


def test_signal_ends_the_job_that_runs_and_begins_no_other(stage: Stage) -> None:
    stage.workers[0].on_step = lambda: signal.raise_signal(signal.SIGTERM)
    assert stage.fleet.work()
    assert stage.happened[:2] == ["job of 0", f"signal {signal.SIGTERM}"]
    assert jobs(stage) == ["job of 0"]


def test_silent_node_delays_the_end_once(stage: Stage) -> None:
    def wait() -> None:
        stage.now += 60

    stage.workers[0].on_stop = wait
    stage.fleet._tear_down()
    assert stage.happened == ["end of 0", "close 0", "close 1", "close 2"]


def test_pause_grows_while_there_are_no_jobs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        stage.jobs[2] = 1 if len(pauses) == 7 else 0
        if len(pauses) == 8:
            signal.raise_signal(signal.SIGINT)

    stage.jobs = [0, 0, 0]
    monkeypatch.setattr(fleet_module, "sleep", sleep)
    assert stage.fleet.work()
    assert pauses == [0.005, 0.01, 0.02, 0.04, 0.08, 0.1, 0.1, 0.005]


@pytest.mark.parametrize(
    ("burst", "expected"), [(True, ["once"]), (False, ["keep", "keep", "stop"])]
)
def test_fleet_has_schedulers_of_its_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, burst: bool, expected: list[str]
) -> None:
    class Schedulers:
        def __init__(self, *words: object) -> None:
            assert words == ("q", [1.0])

        def run_once(self) -> None:
            did.append("once")

        def keep_running(self) -> None:
            did.append("keep")

        def stop(self) -> None:
            did.append("stop")

    did, stage.jobs = list[str](), [0, 0, 0]
    monkeypatch.setattr(fleet_module, "LaneSchedulers", Schedulers)
    monkeypatch.setattr(fleet_module, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    stage.fleet.work(burst=burst, with_scheduler=True)
    assert did == expected
