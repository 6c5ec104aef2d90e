"""The source of batches: what it asks for, and what it does with the answer."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.rq.batch.answers import ClaimAnswer, ClaimedJob
from florentin_webhooks.rq.batch.batch import Batch
from florentin_webhooks.rq.batch.source import BatchSource
from florentin_webhooks.rq.shutdown import defer_signals

ID = b"0123456789abcdef" * 2 + b"-q"
JOB = ClaimedJob(ID, 3, JobClaim(JobDecision.RUN))
NOTHING = ClaimAnswer((), (), (), None)


class Stage:
    """A worker, its connection, its queue and its pipeline; *happened* is what a source did."""

    def __init__(self, *answers: ClaimAnswer, receivers: int = 1, knows: int = 1) -> None:
        self.answers, self.knows = list(answers), knows
        self.happened, self.requests = list[object](), list[Any]()
        self.key = self.connection = self
        self.popped: bytes | None = None
        self.asks: Callable[[], object] = lambda: None
        calls: Any = [self._calls_of(f"receiver {n}") for n in range(receivers)]
        self.source = BatchSource(cast("Any", self), calls, cast("Any", self), 64)

    def _calls_of(self, name: str) -> Any:
        return SimpleNamespace(
            terms=SimpleNamespace(queue="q", lease=71.5, timeout=60),
            script=SimpleNamespace(sha="sha", text="text"),
            claim=lambda request: (name, request),
            give_back=lambda entries: ("returned", entries),
        )

    def run_and_ask(self, call: tuple[str, Any], question: tuple[str, ...]) -> Any:
        assert question == ("SCRIPT", "EXISTS", "sha")
        self.happened.append(call[0])
        self.requests.append(call[1])
        self.asks()
        return self.answers.pop(0) if self.answers else NOTHING, [self.knows]

    def run(self, call: object) -> None:
        self.happened.append(call)

    def enter_batch(self, batch: Batch) -> None:
        self.happened.append(f"{len(batch.jobs)} jobs")

    def write_state(self) -> None:
        self.happened.append("waits")

    def deferring_signals(self) -> AbstractContextManager[None]:
        return defer_signals()

    def script_load(self, text: str) -> None:
        self.happened.append(f"load {text}")

    def lmove(self, _: object, __: object, timeout: int | None) -> tuple[str, bytes] | None:
        self.happened.append(timeout)
        return None if self.popped is None else ("q", self.popped)

    def take(self, timeout: int | None = None) -> Any:
        return self.source.take(cast("Any", self), timeout)


@pytest.mark.parametrize(
    ("wait", "timeout", "expected"),
    [(None, 60, 60), (2.5, 60, 3), (0.0, 60, 1), (90.0, 60, 60), (2.5, None, None)],
)
def test_worker_waits_no_longer_than_a_lease_lasts(
    wait: float | None, timeout: int | None, expected: int | None
) -> None:
    stage = Stage(NOTHING._replace(wait=wait))
    assert stage.take(timeout) is None
    assert stage.happened == ["receiver 0", "waits", expected]


def test_expired_entries_are_returned() -> None:
    stage = Stage(NOTHING._replace(expired=(b"entry",)))
    stage.take()
    assert stage.happened[:2] == ["receiver 0", ("returned", (b"entry",))]


@pytest.mark.parametrize(("knows", "loads"), [(1, []), (0, ["load text"])])
def test_batch_finds_the_script_of_its_steps_loaded(knows: int, loads: list[str]) -> None:
    stage = Stage(NOTHING._replace(jobs=(JOB,)), knows=knows)
    batch, _ = stage.take()
    assert stage.happened == ["receiver 0", *loads, "1 jobs"]
    (request,) = stage.requests
    assert (batch.token, batch.execution) == (request.token, request.execution)
    assert batch.execution.decode().startswith(batch.token.hex())
    assert (len(batch.execution), request.ttl, request.popped) == (32, 132, False)


def test_job_that_was_waited_for_is_claimed_as_popped() -> None:
    stage = Stage(NOTHING, NOTHING._replace(jobs=(JOB,)))
    stage.popped = ID
    stage.take(60)
    asked = [(request.candidates, request.popped) for request in stage.requests]
    assert asked == [((), False), ((ID,), True)]


def test_receiver_of_the_last_batch_is_asked_first() -> None:
    listed = NOTHING._replace(candidates=(ID,))
    claimed = listed._replace(jobs=(JOB,))
    stage = Stage(listed, claimed, claimed, receivers=2)
    stage.take()
    stage.take()
    asked = [each for each in stage.happened if each != "1 jobs"]
    assert asked == ["receiver 0", "receiver 1", "receiver 1"]


def test_signal_amid_a_claim_comes_after_its_batch() -> None:
    stage = Stage(NOTHING._replace(jobs=(JOB,)))
    stage.asks = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        stage.take()
    assert stage.happened == ["receiver 0", "1 jobs"]


def test_claim_in_another_thread_defers_no_signals() -> None:
    stage, taken = Stage(NOTHING._replace(jobs=(JOB,))), list[object]()
    thread = threading.Thread(target=lambda: taken.append(stage.take()))
    thread.start()
    thread.join()
    assert len(taken) == 1
