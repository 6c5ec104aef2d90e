"""The index of states: what few deliveries are is found without a look at all the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.core.queue import Job
from florentin_webhooks.core.search.pages import record_pages
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob, IndexStates
from florentin_webhooks.core.stores.queries import (
    GetRecord,
    ListRecords,
    ResetMode,
    ResetRecord,
    Status,
)
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.parts import job
from tests.support.stores import NOON, accept, content, finish

AT_ONCE = 5000
FILL = """
for n = 1, ARGV[1] do
  local key = string.sub(redis.sha1hex(ARGV[2] + n), 1, 16)
  redis.call('HSET', KEYS[1] .. key, 's', 'queued', 'd',
    ARGV[2] + n .. ' 3 0  a.b', 'n', 1)
  redis.call('ZADD', KEYS[2], ARGV[2] + n, key)
end
"""


class Shop:
    """A store, and what is known of its deliveries."""

    def __init__(self, store: RedisStore, client: Any) -> None:  # Any: redis-py's.
        self.store, self.client = store, client

    def accept(self, number: int, **given: object) -> str:
        self.store.execute(accept(content(number), under=f"id-{number}", **given))  # type: ignore[arg-type]  # as accept() takes.
        return fingerprint(content(number)).hex()

    def accept_late(self, number: int, minutes: int = 0, *, valid: bool = True) -> str:
        asked: Accept = accept(content(number), under=f"id-{number}", valid=valid)
        time = datetime.now(UTC) - timedelta(minutes=minutes)
        arrived = replace(asked.delivery, received_at=time)
        self.store.execute(replace(asked, delivery=arrived))
        return arrived.fingerprint

    def queue(self, number: int) -> str:
        return self.accept(number, inline=False, jobs=(job(content(number)),))

    def claim(self, number: int) -> None:
        body = content(number)
        self.store.execute(ClaimJob(fingerprint(body), b"worker", job(body, handlers=()), 60))

    def end(self, number: int, state: State, wait: float | None = None) -> None:
        part = job(content(number), handlers=())
        key = fingerprint(content(number))
        self.store.execute(Finish(key, b"worker", state, wait=wait, part=part))

    def reset(self, number: int, mode: ResetMode = ResetMode.ALL) -> None:
        body = content(number)
        self.store.execute(ResetRecord(fingerprint(body), mode, (job(body),)))

    def fill(self, count: int) -> None:
        """Let so many queued deliveries have come after noon."""
        schema, noon = self.store.schema, round(NOON.timestamp() * 1000)
        for first in range(0, count, AT_ONCE):
            number = min(AT_ONCE, count - first)
            self.client.eval(FILL, 2, schema.records, schema.log, number, noon + first)
        self.client.zadd(schema.indexed, {"u": noon, "b": noon})

    def index(self) -> None:
        """Bring the index up to date, as a worker does."""
        while not self.store.execute(IndexStates(60)):
            pass

    def found(self, status: Status) -> set[str]:
        now, wanted = datetime.now(UTC), ListRecords(5, status=status)
        pages = record_pages(self.store, wanted)
        return {
            each.fingerprint
            for page in pages
            for each in page.records
            if each.status(now) is status
        }

    def known(self, status: Status) -> set[str]:
        """Return what is found by a look at every delivery."""
        now = datetime.now(UTC)
        records = self.store.execute(ListRecords(100)).records
        return {each.fingerprint for each in records if each.status(now) is status}

    def indexed(self, state: str) -> int:
        return int(self.client.zcard(self.store.schema.index(state)))

    def calls(self) -> int:
        return int(self.client.info("commandstats")["cmdstat_evalsha"]["calls"])


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, redis_url: str, redis_prefix: str, directory: Path
) -> Iterator[Shop]:
    """A store in the server of all tests, or in one of its own, which many records leave slow."""
    with ExitStack() as stack:
        if getattr(request, "param", False):
            options = {"appendonly": "no"}
            redis_url = stack.enter_context(EmbeddedServer(directory, options=options)).url
        store = stack.enter_context(closing(RedisStore(redis_url, prefix=redis_prefix)))
        with redis.Redis.from_url(redis_url) as client:
            yield Shop(store, client)


@pytest.mark.parametrize(
    ("shop", "many"),
    [(False, 20_000), pytest.param(True, 1_000_000, marks=pytest.mark.long)],
    indirect=["shop"],
)
def test_rare_states_among_many_are_found_in_two_pages(shop: Shop, many: int) -> None:
    failed, invalid = shop.accept(1), shop.accept(2, valid=False)
    shop.store.execute(finish(content(1), State.FAILED))
    shop.index()
    shop.fill(many)
    shop.index()
    before = shop.calls()
    assert shop.found(Status.FAILED) == {failed}
    assert shop.found(Status.INVALID) == {invalid}
    assert shop.found(Status.DEAD) == shop.found(Status.STALE) == set()
    # For each: what has come since, which index it is in, and the record.
    assert shop.calls() - before <= 10


def test_states_are_found_although_no_one_has_indexed_them(shop: Shop) -> None:
    """As in a store that the version before has filled."""
    make_all(shop)
    schema = shop.store.schema
    shop.client.delete(schema.indexed, *schema.indexes)
    assert_found(shop)
    assert shop.indexed("dead") == shop.indexed("scheduled") == 1


def make_all(shop: Shop) -> None:
    """Leave a delivery in each state."""
    for number in range(5):
        shop.queue(number)
    for number in (1, 2, 3, 4):
        shop.claim(number)
    shop.end(2, State.QUEUED, wait=60)
    shop.end(3, State.DEAD)
    shop.end(4, State.DONE)
    shop.accept(10)
    shop.accept(11)
    shop.store.execute(finish(content(11), State.FAILED))
    shop.accept(12, fresh=False)
    shop.accept(13, valid=False)


def assert_found(shop: Shop) -> None:
    assert {status: shop.found(status) for status in Status} == {
        status: shop.known(status) for status in Status
    }


def test_every_state_is_found_after_any_history(shop: Shop) -> None:
    random = Random(13)  # noqa: S311 - not a secret.
    steps: list[Callable[[int], object]] = [
        *(shop.accept, lambda n: shop.accept(n, valid=False)),
        *(lambda n: shop.accept(n, fresh=False), shop.queue, shop.queue, shop.claim),
        *(lambda n: shop.end(n, State.DEAD), lambda n: shop.end(n, State.QUEUED, wait=60)),
        *(lambda n: shop.end(n, State.DONE), shop.reset),
        lambda n: shop.reset(n, ResetMode.DROP),
        lambda n: shop.store.execute(finish(content(n), random.choice([State.FAILED, State.DONE]))),
        lambda _: shop.index(),
    ]
    seen = set[Status]()
    for turn in range(200):
        random.choice(steps)(random.randrange(12))
        if turn % 40 == 39:
            assert_found(shop)
            seen.update(status for status in Status if shop.known(status))
    assert seen == {*Status}


@pytest.mark.parametrize("jobs", [(), (job(content(2)),)], ids=["inline", "mixed"])
@pytest.mark.parametrize("under", ["id-2", "id-1"], ids=["unknown", "reused"])
def test_late_delivery_whose_process_died_is_found(
    shop: Shop, jobs: tuple[Job, ...], under: str
) -> None:
    """Such as one from a spool, whose arrival the index has passed."""
    shop.queue(1)
    shop.index()
    late = fingerprint(content(2)).hex()
    shop.store.execute(accept(content(2), under=under, jobs=jobs))
    assert shop.found(Status.RUNNING) == {late}
    shop.client.hset(shop.store.record_key(late), "u:", 1)
    assert shop.found(Status.FAILED) == {late}


def test_stale_delivery_that_runs_at_last_is_found(shop: Shop) -> None:
    stale = shop.accept(1, fresh=False)
    shop.index()
    assert shop.found(Status.STALE) == {stale}
    assert shop.accept(1) == stale
    assert shop.found(Status.STALE) == set()
    assert shop.found(Status.RUNNING) == {stale}
    shop.client.hset(shop.store.record_key(stale), "u:", 1)
    assert shop.found(Status.FAILED) == {stale}
    assert shop.indexed("stale") == 0


def test_delivery_that_arrives_now_is_found(shop: Shop) -> None:
    shop.index()
    arrived = shop.accept_late(1)
    shop.index()
    shop.store.execute(finish(content(1), State.FAILED))
    assert shop.found(Status.FAILED) == {arrived}


def test_index_begins_again_when_the_clock_was_set_back(shop: Shop) -> None:
    shop.accept(1, valid=False)
    shop.index()
    schema = shop.store.schema
    shop.client.delete(*schema.indexes)
    assert shop.found(Status.INVALID) == set()
    ahead = datetime.now(UTC) + timedelta(hours=1)
    shop.client.zadd(schema.indexed, {"u": round(ahead.timestamp() * 1000)})
    assert shop.found(Status.INVALID) == shop.known(Status.INVALID) != set()


def test_sweeper_removes_what_has_left_its_state(shop: Shop) -> None:
    for number in range(20):
        shop.accept(number)
        shop.store.execute(finish(content(number), State.FAILED))
    shop.index()
    assert shop.indexed("failed") == 20
    for number in range(20):
        shop.accept(number)
        shop.store.execute(finish(content(number)))
    for _ in range(12):
        shop.index()
    assert shop.indexed("failed") < 10


def test_sweeper_finds_what_the_version_before_has_changed(shop: Shop) -> None:
    """Such as a worker that was not restarted yet, and does not know the index."""
    dead = shop.queue(1)
    shop.index()
    shop.client.hset(shop.store.record_key(dead), "s", "dead")
    assert shop.found(Status.DEAD) == set()
    shop.index()
    assert shop.found(Status.DEAD) == {dead}


def test_records_of_jobs_are_read_where_they_are_few(shop: Shop) -> None:
    waiting, running = shop.queue(1), shop.queue(2)
    shop.fill(2000)
    shop.claim(2)
    shop.index()
    before = shop.calls()
    assert shop.found(Status.QUEUED) == {waiting}
    assert shop.found(Status.RUNNING) == {running}
    assert shop.calls() - before <= 15


def test_page_of_indexed_deliveries_goes_on(shop: Shop) -> None:
    expected = [shop.accept(number, valid=False) for number in range(7)]
    wanted = ListRecords(2, status=Status.INVALID)
    pages = [page.records for page in record_pages(shop.store, wanted)]
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [each.fingerprint for page in pages for each in page] == sorted(expected)[::-1]
    assert cast("Any", shop.store.execute(GetRecord(bytes.fromhex(expected[0])))).state == "invalid"


def test_later_pages_do_not_index_again(shop: Shop) -> None:
    for number in range(30):
        shop.accept_late(number, 5, valid=False)
    shop.accept_late(30)
    before = shop.calls()
    pages = [*record_pages(shop.store, ListRecords(3, status=Status.INVALID))]
    assert [len(page.records) for page in pages] == [3] * 10
    # For each: whether that is indexed, what is in it, and the records; for the first, what came.
    assert shop.calls() - before <= 3 * len(pages) + 1
