"""``worker`` runs queued handlers and ends as operators expect."""

from __future__ import annotations

import json
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


def test_burst_runs_queued_handlers_and_announces_its_settings(
    shop: Operated, redis_url: str
) -> None:
    fingerprint = shop.sent("invoice.created")
    program = shop.works()
    assert program.process.returncode == 0
    assert shop.effects() == ["bill begins", "bill ends"]
    assert program.talk.startswith(f"Working on queue florentin of {shop.app}: class fork")
    assert f"scheduler on, Redis {redis_url}, pid" in program.talk
    assert "Other queues of this receiver need workers too: papers." in program.talk
    assert "Warning" not in program.talk
    assert re.search(rf"done {fingerprint} event=invoice.created .* in \d+\.\d+ s", program.data)


@pytest.mark.parametrize("kind", ["simple", "spawn"])
def test_other_worker_classes_run_handlers(kind: str, shop: Operated) -> None:
    shop.sent("invoice.created")
    assert shop.works("--worker-class", kind).process.returncode == 0
    assert shop.effects() == ["bill begins", "bill ends"]


def test_worker_runs_only_its_queue(shop: Operated) -> None:
    shop.sent("invoice.created")
    shop.sent("tos.accepted")
    shop.works("--queue", "papers")
    assert shop.effects() == ["file"]


def test_failure_is_logged_once_without_payload(shop: Operated) -> None:
    shop.put("broken")
    shop.sent("invoice.created")
    program = shop.works("--json")
    lines = [json.loads(line) for line in program.data.splitlines()]
    (failed,) = [line for line in lines if "ValueError" in json.dumps(line)]
    assert (failed["outcome"], failed["level"]) == ("handler-failed", "error")
    assert (failed["handler"], failed["attempt"]) == (f"{shop.module}:bill", 1)
    assert failed["next_attempt"]
    assert f"ValueError at {shop.module}.py:" in failed["message"]
    assert "in bill\n" in failed["traceback"]
    quoted = 'raise ValueError("billing@adabooks.example")'  # The line of the program.
    assert quoted in failed["traceback"]
    assert json.dumps(lines).count("adabooks") == 1


def test_batch_of_one_event_runs_handlers(shop: Operated) -> None:
    for _ in range(2):
        shop.sent("invoice.created")
    assert shop.works("--worker-class", "simple", "--batch", "1").process.returncode == 0
    assert shop.effects() == ["bill begins", "bill ends"] * 2


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--batch", "0"], "0 is not in the range 1<=x<=256", "worker --help"),
        (["--batch", "9", "--worker-class", "spawn"], "one by one", "--worker-class fork"),
    ],
)
def test_impossible_batch_is_refused_with_a_hint(
    shop: Operated, words: list[str], message: str, hint: str
) -> None:
    reported = error(shop.types("worker", *words))
    assert message in reported
    assert reported.endswith(hint)


def test_unknown_queue_is_refused_with_the_closest(shop: Operated) -> None:
    result = shop.types("worker", "--queue", "paper")
    assert "has no handler in queue 'paper'. Its queues: florentin, papers." in error(result)
    assert error(result).endswith("--queue papers")
    assert result.exit_code == 2


def test_unreachable_redis_exits_with_four(shop: Operated) -> None:
    shop.environ["SHOP_REDIS"] = "redis://:password@127.0.0.1:1/3"
    for command in (["worker"], ["queue"], ["deliveries", "list"], ["dead", "list"]):
        result = shop.types(*command)
        assert "Redis at redis://127.0.0.1:1/3 does not answer (ConnectionRefusedError)." in error(
            result
        )
        assert result.exit_code == 4


def test_memory_store_is_refused(shop: Operated) -> None:
    result = shop.types("worker", app=f"{shop.module}:inline")
    assert "uses MemoryStore" in error(result)
    assert result.exit_code == 2


def test_address_has_no_password() -> None:
    assert RedisStore("rediss://u:p@db.example:6380/2").address == "rediss://db.example:6380/2"


@pytest.mark.answers("RQ-10")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", [1, 2])
def test_running_event_finishes_before_the_worker_exits(
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


def test_dead_worker_is_restarted(shop: Operated) -> None:
    with shop.working("--processes", "2") as program:
        eventually(lambda: len(pids(program)) == 2)
        os.kill(pids(program)[0], signal.SIGKILL)
        eventually(lambda: len(pids(program)) == 3)
        assert f"Process {pids(program)[0]} exited with -9. Restarting" in program.data
        assert program.end(signal.SIGTERM) == 0
    assert all(is_gone(pid) for pid in pids(program))


@pytest.mark.answers("RQ-11")
def test_workers_do_not_outlive_a_killed_supervisor(shop: Operated) -> None:
    with shop.working("--processes", "2") as program:
        eventually(lambda: len(pids(program)) == 2)
        program.process.kill()
        eventually(lambda: all(is_gone(pid) for pid in pids(program)))


def test_several_processes_exit_when_the_queue_is_empty(shop: Operated) -> None:
    for _ in range(3):
        shop.sent("invoice.created")
    assert shop.works("--processes", "2", "--json").process.returncode == 0
    assert shop.effects().count("bill ends") == 3
