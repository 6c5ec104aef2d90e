"""Jobs in batches: each ends as if it ran alone, also when another one fails."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import pytest
import redis
import rq
from rq.command import send_stop_execution_command, send_stop_job_command
from rq.timeouts import JobTimeoutException

from florentin_webhooks import Discard, RetryLater
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.events import Event
from florentin_webhooks.rq.batch import batch, mixin, runner
from florentin_webhooks.rq.batch.size import BatchSize
from florentin_webhooks.rq.batch.spare import SpareConnection
from florentin_webhooks.rq.monitoring import queue_status
from florentin_webhooks.rq.worker import build_worker
from tests.support.proxy import Proxy
from tests.support.vectors import CANONICAL, delivery
from tests.support.waiting import eventually
from tests.support.workshop import Workshop, handling_signals_as_before, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A workshop whose workers claim all jobs of the queue at once."""
    monkeypatch.setattr(BatchSize, "first", 64)
    with open_workshop(redis_url, redis_prefix, retries=(5,), timeout=2) as opened:
        yield opened


def accept(shop: Workshop, jobs: int) -> list[str]:
    """Accept *jobs* deliveries, and return their fingerprints."""
    bodies = [CANONICAL.replace(b"F-0001", b"F-%04d" % n) for n in range(jobs)]
    return [shop.accept(delivery(body, delivery_id=f"{n}")) for n, body in enumerate(bodies)]


def numbers(shop: Workshop, *, failing: dict[int, Callable[[], object]] | None = None) -> None:
    """Register a handler that notes the number of its delivery, and calls what is in *failing*."""

    @shop.handles("bill")
    def bill(event: Event) -> None:
        number = int(cast("Any", event).data.invoice.number[-4:])
        shop.ran.append(str(number))
        if failing and number in failing and shop.ran.count(str(number)) == 1:
            failing[number]()


def fails(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def assert_clean(shop: Workshop) -> None:
    """Find nothing of the jobs in RQ's keys, nor anything that is claimed or pending."""
    left = {key.decode() for key in cast("list[bytes]", shop.client.keys("rq:*"))}
    kinds = ("rq:job", "rq:wip", "rq:exec", "rq:queue:", "rq:results", "rq:scheduled", "rq:failed")
    assert [key for key in left if key.startswith(kinds)] == []
    assert not shop.client.exists(f"{shop.prefix}claimed:{shop.queue}")
    assert not shop.client.exists(f"{shop.prefix}pending:{shop.queue}")


def attempts(shop: Workshop, fingerprints: list[str]) -> list[int]:
    return [shop.record(each).attempts.get(shop.queue, 0) for each in fingerprints]


def test_batch_runs_its_jobs_in_order_and_leaves_nothing(shop: Workshop) -> None:
    numbers(shop)
    sent = accept(shop, 20)
    shop.work()
    assert shop.ran == [str(n) for n in range(20)]
    assert {shop.record(each).state for each in sent} == {State.DONE}
    assert attempts(shop, sent) == [1] * 20
    assert_clean(shop)


def test_what_is_no_job_in_the_list_is_dropped(shop: Workshop) -> None:
    numbers(shop)
    alike = "z" * 32 + f"-{shop.queue}"
    shop.client.rpush(shop.rq().key, b"\xff\xfe", "nonsense", alike)
    accept(shop, 2)
    shop.work()
    assert shop.ran == ["0", "1"]


def test_rq_tells_the_truth_in_the_middle_of_a_batch(shop: Workshop) -> None:
    # Also where the server knows no script: refused steps would be noticed too late.
    seen: list[object] = []

    def look() -> None:
        eventually(lambda: attempts(shop, sent)[2])  # The step is on its way to the server.
        status = queue_status(shop.client, shop.queue)
        current = cast("Any", rq.get_current_job())
        (worker,) = cast("Any", rq.Worker).all(queue=shop.rq())
        (execution,) = worker.get_current_executions()
        statuses = [shop.job(each)[b"status"] for each in sent[2:]]
        seen.extend([status.waiting, status.running, worker.get_state(), set(statuses)])
        seen.extend([execution.job_id == current.id == shop.job_id(sent[2]), current.origin])
        seen.append(attempts(shop, sent))

    numbers(shop, failing={2: look})
    sent = accept(shop, 6)
    shop.client.script_flush()
    shop.work()
    assert seen == [0, 4, "busy", {b"started"}, True, shop.queue, [1, 1, 1, 0, 0, 0]]
    assert attempts(shop, sent) == [1] * 6


@pytest.mark.parametrize(
    ("error", "runs", "count"),
    [(ValueError(), 2, 2), (RetryLater(1), 2, 2), (Discard("test"), 1, 1), (SystemExit(1), 2, 2)],
)
def test_read_outcome_one_handler_changes_no_other(
    shop: Workshop, error: BaseException, runs: int, count: int
) -> None:
    numbers(shop, failing={3: fails(error)})
    sent = accept(shop, 20)
    shop.work()
    assert shop.ran == [str(n) for n in range(20)]
    shop.work_it_off()
    assert shop.ran.count("3") == runs
    assert {shop.record(each).state for each in sent} == {State.DONE}
    assert attempts(shop, sent) == [1, 1, 1, count, *[1] * 16]
    assert not shop.rq().failed_job_registry.count


def test_handler_that_always_fails_is_dead_after_its_attempts(shop: Workshop) -> None:
    shop.does("bill", *[ValueError()] * 6)
    sent = accept(shop, 3)
    shop.work_it_off()
    assert shop.ran == ["bill"] * 6
    assert {shop.record(each).state for each in sent} == {State.DEAD}
    assert shop.rq().failed_job_registry.count == 3


def test_timeout_stops_one_handler_of_a_batch(shop: Workshop) -> None:
    numbers(shop, failing={1: signal.pause})
    sent = accept(shop, 3)
    shop.work()
    assert shop.ran == ["0", "1", "2"]
    assert "took longer than 2 s" in shop.record(sent[1]).reasons[shop.queue]
    shop.work_it_off()
    assert shop.ran == ["0", "1", "2", "1"]
    assert attempts(shop, sent) == [1, 2, 1]


def test_time_of_each_job_is_limited_without_an_alarm(shop: Workshop) -> None:
    limits = list[object]()

    def limit(*words: object, **options: object) -> AbstractContextManager[None]:
        limits.extend([*words, *options.values()])
        return nullcontext()

    numbers(shop)
    (sent,) = accept(shop, 1)
    worker = shop.worker(shop.client)
    worker.subscribe = worker.unsubscribe = lambda: None
    worker.death_penalty_class = limit
    with handling_signals_as_before():
        worker.work(burst=True)
    assert limits == [2, JobTimeoutException, shop.job_id(sent)]
    assert shop.record(sent).state is State.DONE


def test_other_jobs_of_the_queue_go_their_own_way(shop: Workshop) -> None:
    numbers(shop)
    sent = accept(shop, 6)
    shop.client.delete(f"{shop.prefix}d".encode() + bytes.fromhex(sent[1]))  # Lost.
    shop.client.hset(f"rq:job:{shop.job_id(sent[2])}", "timeout", 7)  # Of an earlier setting.
    shop.client.delete(f"rq:job:{shop.job_id(sent[3])}")  # Evicted.
    plain = shop.rq().enqueue("os.getpid", job_id="plain")
    accept_more = delivery(CANONICAL.replace(b"F-0001", b"F-0009"), delivery_id="last")
    last = shop.accept(accept_more)
    shop.work()
    assert shop.ran == ["0", "2", "4", "5", "9"]
    assert plain.is_failed  # Refused, as one by one.
    assert shop.record(last).state is State.DONE
    assert queue_status(shop.client, shop.queue, shop.hooks).lost == 1


def test_error_after_a_success_is_logged_and_repeats_nothing(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(runner, "to_rq", fail)
    numbers(shop)
    sent = accept(shop, 2)
    shop.work()
    assert shop.ran == ["0", "1"]
    assert {shop.record(each).state for each in sent} == {State.DONE}
    for fingerprint in sent:
        assert f"{fingerprint} was handled, then: ValueError" in caplog.messages


def test_changed_body_fails_alone(shop: Workshop) -> None:
    numbers(shop)
    sent = accept(shop, 3)
    key = f"{shop.prefix}d".encode() + bytes.fromhex(sent[1])
    shop.client.hset(key, "b", CANONICAL.replace(b"F-0001", b"F-0666"))
    shop.work_it_off()
    assert shop.ran == ["0", "2"]
    assert shop.record(sent[1]).state is State.DEAD


def test_sigterm_returns_what_has_not_begun(shop: Workshop) -> None:
    numbers(shop, failing={1: lambda: signal.raise_signal(signal.SIGTERM)})
    sent = accept(shop, 20)
    shop.work()
    assert shop.ran == ["0", "1"]
    assert shop.listed() == [shop.job_id(each) for each in sent[2:]]
    assert attempts(shop, sent) == [1, 1, *[0] * 18]
    assert shop.rq().started_job_registry.get_job_count(cleanup=False) == 0
    assert {shop.job(each)[b"status"] for each in sent[2:]} == {b"queued"}
    shop.work()
    assert shop.ran == [str(n) for n in range(20)]
    assert attempts(shop, sent) == [1] * 20


def test_slow_handler_does_not_hold_the_others_back(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_until_returned() -> None:
        while len(shop.listed()) < 11:
            shop.outside.wait(0.01)

    monkeypatch.setattr(batch, "OPEN_SECONDS", 0.1)
    numbers(shop, failing={0: wait_until_returned})
    sent = accept(shop, 12)
    threads = threading.active_count()
    shop.work()
    assert threading.active_count() <= threads
    assert shop.ran == [str(n) for n in range(12)]
    assert attempts(shop, sent) == [1] * 12
    assert {shop.record(each).state for each in sent} == {State.DONE}


def claim_and_die(shop: Workshop) -> None:
    """Claim all jobs as a worker that dies before it begins; let the leases expire."""
    worker = shop.worker(shop.client)
    assert worker.queue_class.dequeue_any(worker.queues, None, shop.client)
    claimed = f"{shop.prefix}claimed:{shop.queue}"
    entries = cast("list[bytes]", shop.client.zrange(claimed, 0, -1))
    soon = len(entries) - 8  # The others come first by the end of their leases.
    for place, entry in enumerate(entries[soon:] + entries[:soon]):
        shop.client.zadd(claimed, {entry: place})
        key = f"{shop.prefix}d".encode() + bytes.fromhex(entry[:32].decode())
        shop.client.hset(key, f"u:{shop.queue}", 1)


@pytest.mark.parametrize("most", [1, 64])
def test_claims_of_a_dead_worker_return_without_an_attempt(shop: Workshop, most: int) -> None:
    numbers(shop)
    sent = accept(shop, 12)
    claim_and_die(shop)
    assert shop.listed() == []
    shop.work(batch=most)
    assert shop.ran == [str(n) for n in range(12)]
    assert attempts(shop, sent) == [1] * 12
    assert_clean(shop)


def test_claims_of_a_live_worker_are_left_alone(shop: Workshop) -> None:
    numbers(shop)
    accept(shop, 12)
    worker = shop.worker(shop.client)
    before = time.time()
    assert worker.queue_class.dequeue_any(worker.queues, None, shop.client)
    after = time.time()
    shop.work()
    assert shop.ran == []
    lives = cast("Any", shop.client).zrange(
        f"{shop.prefix}claimed:{shop.queue}", 0, -1, withscores=True
    )
    ends = sorted(end / 1000 for _, end in lives)
    assert before + 9 < ends[0] < after + 11  # Not soon to begin.
    # Timeout, margin, and the time in which jobs begin.
    assert before + 12 < ends[-1] < after + 14


def test_worker_is_busy_from_its_first_batch_to_the_last(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers(shop)
    accept(shop, 12)
    since = time.monotonic()
    worker, states = shop.worker(shop.client, batch=4), list[object]()
    worker.subscribe = worker.unsubscribe = lambda: None
    write = worker.connection.hset

    def note(key: str, *words: object, **fields: object) -> object:
        states.extend(words[1:])
        return write(key, *words, **fields)

    monkeypatch.setattr(worker.connection, "hset", note)
    with handling_signals_as_before():
        worker.work(burst=True)
    assert states == ["started", "idle", "busy", "idle"]
    assert shop.client.hget(worker.key, "successful_job_count") == b"12"
    worked = shop.client.hget(worker.key, "total_working_time")
    assert 0 < float(cast("bytes", worked)) < time.monotonic() - since


def test_size_follows_the_jobs_that_ran_and_their_time(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = list[tuple[int, float]]()
    monkeypatch.setattr(BatchSize, "record", lambda _, *found: recorded.append(found))
    numbers(shop)
    accept(shop, 20)
    since = time.monotonic()
    shop.work()
    ((jobs, seconds),) = recorded
    assert jobs == 20  # In one batch: each step keeps those after it.
    assert 0 < seconds < time.monotonic() - since


def test_fork_and_round_trips_are_not_the_time_of_jobs(
    shop: Workshop, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = list[float]()
    monkeypatch.setattr(BatchSize, "record", lambda *found: recorded.append(found[-1]))
    monkeypatch.setattr(BatchSize, "first", 1)
    numbers(shop)
    accept(shop, 2)
    latency = 0.05
    with (
        handling_signals_as_before(),
        Proxy(redis_url, latency=latency) as proxy,
        redis.Redis.from_url(proxy.url) as client,
    ):
        build_worker(shop.hooks, client, queue=shop.queue).work(burst=True)
    assert len(recorded) == 2
    assert min(recorded) < latency  # A busy machine may add to any of them.


def test_limited_number_of_jobs_is_taken_one_by_one(shop: Workshop) -> None:
    seen, worker = list[object](), shop.worker(shop.client)

    def look() -> None:
        seen.extend([worker.get_current_job_id(), shop.client.hget(worker.key, "state")])

    numbers(shop, failing={1: look})
    sent = accept(shop, 3)
    worker.subscribe = worker.unsubscribe = lambda: None
    with handling_signals_as_before():
        worker.work(burst=True, max_jobs=2)
    assert shop.ran == ["0", "1"]
    assert seen == [shop.job_id(sent[1]), b"busy"]
    assert len(shop.listed()) == 1


def test_workers_share_what_waits(shop: Workshop) -> None:
    numbers(shop)
    accept(shop, 12)
    for name in ("one", "two", "three"):
        shop.client.sadd(f"rq:workers:{shop.queue}", f"rq:worker:{name}")
    worker = shop.worker(shop.client)
    taken, _ = worker.queue_class.dequeue_any(worker.queues, None, shop.client)
    assert len(taken.jobs) == 4
    assert len(shop.listed()) == 8


def test_success_under_a_lost_lease_does_not_count(shop: Workshop) -> None:
    def lose_lease() -> None:
        key = f"{shop.prefix}d".encode() + bytes.fromhex(sent[1])
        shop.client.hset(key, mapping={f"t:{shop.queue}": "another", f"u:{shop.queue}": 2**42})

    numbers(shop, failing={1: lose_lease})
    sent = accept(shop, 3)
    shop.work()
    assert [shop.record(each).state for each in sent] == ["done", "queued", "done"]
    assert shop.hurry() == 1  # It is tried again later, as one by one.


def test_discarded_delivery_of_a_batch_does_not_run(shop: Workshop) -> None:
    from florentin_webhooks.core.replay import drop

    numbers(shop, failing={0: lambda: drop(shop.hooks, sent[15])})
    sent = accept(shop, 16)
    shop.work()
    assert shop.ran == [str(n) for n in range(15)]
    assert_clean(shop)


def test_batch_of_one_is_rqs_own_way(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixin, "BatchSource", None)
    numbers(shop)
    accept(shop, 3)
    shop.work(batch=1)
    assert shop.ran == ["0", "1", "2"]
    assert_clean(shop)


@pytest.mark.parametrize("amid", [False, True])
def test_forgotten_scripts_are_loaded_again(shop: Workshop, amid: bool) -> None:
    numbers(shop, failing={1: shop.client.script_flush} if amid else None)
    sent = accept(shop, 12)
    shop.client.script_flush()
    shop.work()
    assert shop.ran == [str(n) for n in range(12)]
    assert attempts(shop, sent) == [1] * 12


def test_heartbeat_extends_the_entry_of_the_job_that_runs(shop: Workshop) -> None:
    numbers(shop)
    accept(shop, 3)
    worker = shop.worker(shop.client)
    worker.register_birth()
    taken, _ = worker.queue_class.dequeue_any(worker.queues, None, shop.client)
    assert taken.try_to_begin(1)
    entries = [f"{job.id.decode()}:{taken.execution.decode()}" for job in taken.jobs]
    for entry in entries:
        shop.client.zadd(shop.rq().started_job_registry.key, {entry: 1})
    worker.maintain_heartbeats(taken, worker.prepare_execution(taken))
    (execution,) = worker.executions.values()  # By which RQ's commands find it.
    assert (execution.id, execution.job_id) == (taken.execution.decode(), taken.id)
    ends = [shop.client.zscore(shop.rq().started_job_registry.key, each) for each in entries]
    assert [end == 1 for end in ends] == [True, False, True]
    assert worker.get_current_job_id() == taken.jobs[1].id.decode()


def test_heartbeat_after_a_job_is_that_of_the_worker(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers(shop)
    (sent,) = accept(shop, 1)
    worker, beats = shop.worker(shop.client), list[None]()
    taken, _ = worker.queue_class.dequeue_any(worker.queues, None, shop.client)
    shop.client.delete(f"rq:job:{shop.job_id(sent)}")
    monkeypatch.setattr(worker, "heartbeat", lambda: beats.append(None))
    worker.maintain_heartbeats(taken, None)
    assert beats == [None]


def test_command_stops_no_other_execution_of_a_batch(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers(shop)
    accept(shop, 3)
    worker, killed = shop.worker(shop.client), list[str]()
    taken, _ = worker.queue_class.dequeue_any(worker.queues, None, shop.client)
    assert taken.try_to_begin(1)
    monkeypatch.setattr(worker, "kill_horse", lambda: killed.append(worker._stopped_job_id))
    for job in taken.jobs:
        words = {"job_id": job.id.decode(), "execution_id": taken.execution.decode()}
        words["command"] = "stop-execution"
        worker.handle_payload({"data": json.dumps(words).encode()})
    assert killed == [taken.jobs[1].id.decode()]


@pytest.mark.parametrize("command", [send_stop_job_command, send_stop_execution_command])
def test_stopped_job_of_a_batch_fails_alone(shop: Workshop, command: Any) -> None:
    def stop() -> None:
        job: Any = rq.get_current_job()
        (execution,) = job.get_executions()
        how = "json" if command is send_stop_job_command else execution.id
        with shop.connect() as client:
            command(client, job.id, how)
        signal.pause()

    numbers(shop, failing={2: stop})
    sent = accept(shop, 5)
    shop.work_in_forks()
    assert {shop.record(each).state for each in sent[:2] + sent[3:]} == {State.DONE}
    assert shop.rq().failed_job_registry.get_job_ids() == [shop.job_id(sent[2])]
    assert shop.job(sent[2])[b"status"] == b"stopped"
    assert attempts(shop, sent) == [1] * 5


def test_work_horse_replaces_its_connection_if_it_is_lost(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = list[int]()

    def lose(spare: SpareConnection) -> None:
        if spare.connection is not None:
            return
        opens(spare)
        opened: Any = spare.connection
        opened.send_command("CLIENT", "ID")
        lost.append(opened.read_response())
        cast("Any", shop.client).client_kill_filter(_id=lost[-1])

    opens = SpareConnection.open
    monkeypatch.setattr(SpareConnection, "open", lose)
    numbers(shop)
    sent = accept(shop, 12)
    shop.work_in_forks()
    assert lost
    assert {shop.record(each).state for each in sent} == {State.DONE}
    assert attempts(shop, sent) == [1] * 12
    assert_clean(shop)


def test_lost_answer_in_a_batch_repeats_nothing(
    shop: Workshop, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(redis_url) as proxy:
        monkeypatch.setattr(shop, "connect", lambda: redis.Redis.from_url(proxy.url))
        numbers(shop, failing={2: lambda: proxy.lose_answer(b"EVALSHA")})
        sent = accept(shop, 12)
        shop.work()
        assert proxy.lost == 1
    assert shop.ran == [str(n) for n in range(12)]
    assert attempts(shop, sent) == [1] * 12
    assert_clean(shop)
