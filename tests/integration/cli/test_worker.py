"""``worker`` runs queued handlers, says what it does, and ends the way operators expect."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from florentin_webhooks import RedisStore
from tests.support.command_line import Program, error
from tests.support.operated import Operated
from tests.support.waiting import eventually


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def pids(program: Program) -> list[int]:
    """The processes of workers that have said that they started."""
    return [int(pid) for pid in re.findall(r"Worker \S+ started with PID (\d+)", program.data)]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_burst_runs_what_is_queued_and_says_with_what(shop: Operated, redis_url: str) -> None:
    fingerprint = shop.sent("invoice.created")
    program = shop.works()
    assert program.process.returncode == 0
    assert shop.effects() == ["bill begins", "bill ends"]
    assert program.talk.startswith(f"Working on queue florentin of {shop.app}: class fork")
    assert f"scheduler on, Redis {redis_url}, pid" in program.talk
    assert "Handlers wait in other queues, too, which need workers: papers." in program.talk
    assert "Warning" not in program.talk
    assert fingerprint in program.data


@pytest.mark.parametrize("kind", ["simple", "spawn"])
def test_the_other_classes_run_it_as_well(kind: str, shop: Operated) -> None:
    shop.sent("invoice.created")
    assert shop.works("--class", kind).process.returncode == 0
    assert shop.effects() == ["bill begins", "bill ends"]


def test_a_queue_of_its_own_has_workers_of_its_own(shop: Operated) -> None:
    shop.sent("invoice.created")
    shop.sent("tos.accepted")
    shop.works("--queue", "papers")
    assert shop.effects() == ["file"]


def test_no_line_comes_twice_and_none_holds_a_payload(shop: Operated) -> None:
    shop.put("broken")
    shop.sent("invoice.created")
    program = shop.works()
    failed = [line for line in program.data.splitlines() if "ValueError" in line]
    assert len(failed) == 1
    assert "Traceback" not in program.data
    assert "adabooks" not in program.data + program.talk


def test_a_queue_that_no_handler_names_is_refused_with_those_that_are_named(shop: Operated) -> None:
    result = shop.types("worker", "--queue", "paper")
    assert "only in: florentin, papers; try: " in error(result)
    assert error(result).endswith("--queue papers")
    assert result.exit_code == 2


def test_a_redis_that_does_not_answer_ends_with_four(shop: Operated) -> None:
    shop.environ["SHOP_REDIS"] = "redis://:password@127.0.0.1:1/3"
    for command in (["worker"], ["queue"], ["deliveries", "list"], ["dead", "list"]):
        result = shop.types(*command)
        assert "no Redis answers at redis://127.0.0.1:1/3 (ConnectionError)" in error(result)
        assert result.exit_code == 4


def test_a_receiver_that_no_other_process_can_share_is_refused(shop: Operated) -> None:
    result = shop.types("worker", app=f"{shop.module}:inline")
    assert "remembers in MemoryStore" in error(result)
    assert result.exit_code == 2


def test_the_address_that_is_told_has_no_password() -> None:
    assert RedisStore("rediss://u:p@db.example:6380/2").address == "rediss://db.example:6380/2"


@pytest.mark.answers("RQ-10")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", [1, 2])
def test_the_running_event_is_finished_before_a_worker_ends(
    number: signal.Signals, processes: int, shop: Operated
) -> None:
    hold = shop.put("hold")
    for _ in range(processes):  # One for each: who has begun is ready for signals.
        shop.sent("invoice.created")
    with shop.working("--processes", str(processes)) as program:
        eventually(lambda: shop.effects() == ["bill begins"] * processes)
        program.process.send_signal(number)
        eventually(lambda: "warm shut down requested" in program.data)
        hold.unlink()
        assert program.wait() == 0
    assert shop.effects() == ["bill begins"] * processes + ["bill ends"] * processes
    assert "Warning" not in program.talk


def test_a_worker_that_dies_is_started_again(shop: Operated) -> None:
    with shop.working("--processes", "2") as program:
        eventually(lambda: len(pids(program)) == 2)
        os.kill(pids(program)[0], signal.SIGKILL)
        eventually(lambda: len(pids(program)) == 3)
        assert f"worker {pids(program)[0]} ended with -9; started again" in program.data
        assert program.end(signal.SIGTERM) == 0
    assert all(is_gone(pid) for pid in pids(program))


@pytest.mark.answers("RQ-11")
def test_workers_do_not_outlive_a_supervisor_that_is_killed(shop: Operated) -> None:
    with shop.working("--processes", "2") as program:
        eventually(lambda: len(pids(program)) == 2)
        program.process.kill()
        eventually(lambda: all(is_gone(pid) for pid in pids(program)))


def test_several_processes_end_when_the_queue_is_empty(shop: Operated) -> None:
    for _ in range(3):
        shop.sent("invoice.created")
    assert shop.works("--processes", "2", "--json").process.returncode == 0
    assert shop.effects().count("bill ends") == 3
