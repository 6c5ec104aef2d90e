"""Spooled deliveries go through the same accept: nothing is lost, doubled or forged."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import TypeVar

import pytest

from florentin_webhooks import Reply, Spool
from florentin_webhooks.core.drain import drain
from florentin_webhooks.core.drain.one_pass import BATCH
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.replay import replay
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider
from tests.support.spooled import SECRET, SpooledShop

A = TypeVar("A")


def spooled_fingerprint(reply: Reply) -> str:
    data: dict[str, str] = json.loads(reply.body)["data"]
    return data["delivery"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def shop(path: Path) -> SpooledShop:
    return SpooledShop(path)


def test_delivery_waits_on_the_disk_and_runs_once(
    shop: SpooledShop, caplog: pytest.LogCaptureFixture
) -> None:
    reply = shop.send_away()
    assert (reply.status, reply.outcome) == (202, Outcome.ACCEPTED)
    assert reply.body.endswith(b'"meta":{"spooled":true}}')
    assert shop.ran == []
    assert "spooled: The store is away." in caplog.text
    assert shop.drain().outcomes == {"processed": 1}
    assert len(shop.ran) == 1
    assert shop.drain().outcomes == {}
    assert shop.spool.measure().waiting == 0


def test_deliveries_go_to_the_store_in_order_of_arrival(shop: SpooledShop) -> None:
    made = [shop.make() for _ in range(40)]
    fingerprints = [spooled_fingerprint(shop.send_away(each)) for each in made]
    assert shop.drain().outcomes == {"processed": 40}
    assert shop.ran == fingerprints


def test_freshness_is_judged_at_arrival(shop: SpooledShop) -> None:
    shop.send_away()
    shop.clock.forward(hours=11)  # The tolerance is 15 minutes.
    assert shop.drain().outcomes == {"processed": 1}
    (record,) = shop.store.execute(ListRecords(10)).records
    assert record.received_at == shop.clock.now - timedelta(hours=11)


def test_duplicate_from_before_the_outage_runs_nothing(shop: SpooledShop) -> None:
    made = shop.make()
    assert shop.send(made).outcome is Outcome.PROCESSED
    shop.clock.forward(minutes=10)
    assert shop.send_away(made).outcome is Outcome.ACCEPTED
    shop.clock.forward(hours=11)
    assert shop.drain().outcomes == {"duplicate": 1}
    assert len(shop.ran) == 1


def test_duplicate_that_the_store_has_forgotten_is_held(path: Path) -> None:
    shop = SpooledShop(path, memory={"retention": timedelta(hours=1)})
    made = shop.make()
    shop.send(made)
    shop.clock.forward(minutes=10)
    shop.send_away(made)
    shop.clock.forward(minutes=55)
    assert shop.drain().outcomes == {"stale": 1}
    assert len(shop.ran) == 1
    (record,) = shop.store.execute(ListRecords(10)).records
    assert record.state is State.STALE
    assert "the store may have forgotten" in record.reasons[""]
    assert replay(shop.receiver, record.fingerprint, though_late=True).outcome is Outcome.PROCESSED


@pytest.mark.parametrize(("minutes", "outcome"), [(29, "processed"), (31, "stale")])
def test_delivery_runs_while_the_store_would_remember_it(
    path: Path, minutes: float, outcome: str
) -> None:
    shop = SpooledShop(path, memory={"retention": timedelta(hours=1)})
    shop.send_away()
    shop.clock.forward(minutes=minutes)
    assert shop.drain().outcomes == {outcome: 1}


def test_retention_without_room_to_wait_is_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a delivery from the spool could run twice"):
        SpooledShop(path, memory={"retention": timedelta(minutes=20)})


def test_retries_with_a_new_timestamp_meet_their_first(shop: SpooledShop) -> None:
    first = shop.make()
    shop.clock.forward(minutes=5)
    second = shop.provider.restamp(first)
    shop.send_away(first)
    shop.send_away(second)
    assert shop.drain().outcomes == {"processed": 1, "duplicate": 1}


def test_delivery_meets_its_copy_under_a_new_secret(path: Path) -> None:
    new = "c7e0c8f4-4d0f-4f6e-9a51-made-up"
    old = SpooledShop(path)
    made = old.make()
    old.send_away(made)
    old.receiver.close()
    shop = SpooledShop(path, secrets={"new": new, "old": SECRET})
    again = Provider(new, clock=shop.clock).sign(
        "invoice.created", made.body, delivery_id="another"
    )
    assert shop.send(again).outcome is Outcome.PROCESSED
    assert shop.drain().outcomes == {"duplicate": 1}


def test_lost_answer_of_the_store_runs_nothing_twice(shop: SpooledShop) -> None:
    shop.store.unsure = Finish
    assert shop.send().outcome is Outcome.ACCEPTED  # It ran, and its end is recorded.
    shop.store.unsure = Accept
    assert shop.send().outcome is Outcome.ACCEPTED  # No process takes its lease.
    shop.store.unsure = None
    report = shop.drain()
    assert (report.outcomes, report.left) == ({"duplicate": 1}, 1)
    shop.clock.forward(seconds=61)  # The lease expires.
    assert shop.drain().outcomes == {"processed": 1}
    assert Counter(shop.ran).most_common(1)[0][1] == 1


def test_handlers_run_in_the_context_of_the_mount(shop: SpooledShop) -> None:
    entered: list[int] = []

    @contextmanager
    def context() -> Iterator[None]:
        entered.append(len(shop.ran))
        yield

    shop.receiver.handler_context = context
    for _ in range(2):
        shop.send_away()
    shop.drain()
    assert entered == [0, 1]


def test_failed_handler_is_listed_as_failed(shop: SpooledShop) -> None:
    shop.send_away()
    shop.failing = True
    assert shop.drain().outcomes == {"handler-failed": 1}
    (record,) = shop.store.execute(ListRecords(10)).records
    assert (record.state, shop.spool.measure().waiting) == (State.FAILED, 0)
    shop.failing = False
    assert replay(shop.receiver, record.fingerprint).outcome is Outcome.PROCESSED


def test_invalid_event_is_recorded_when_it_is_drained(shop: SpooledShop) -> None:
    made = shop.provider.make("invoice.created", invoice={"amount_due": "much"})
    assert shop.send_away(made).outcome is Outcome.ACCEPTED
    assert shop.drain().outcomes == {"invalid-event": 1}
    (record,) = shop.store.execute(ListRecords(10)).records
    assert record.state is State.INVALID


def test_pass_ends_when_the_store_goes_away_again(shop: SpooledShop) -> None:
    for _ in range(3):
        shop.send_away()
    shop.store.away = True
    report = shop.drain()
    assert isinstance(report.error, Unavailable)
    assert (report.outcomes, shop.spool.measure().waiting) == ({}, 3)
    shop.store.away = False
    assert shop.drain().outcomes == {"processed": 3}


def test_refused_deliveries_keep_no_others_waiting(shop: SpooledShop) -> None:
    made = [shop.make() for _ in range(6)]
    for each in made:
        shop.send_away(each)
    shop.store.refused = (made[0].body, made[3].body)
    report = shop.drain()
    assert (report.outcomes, report.left, report.error) == ({"processed": 4}, 2, None)
    shop.store.refused = ()
    assert shop.drain().outcomes == {"processed": 2}


@pytest.mark.parametrize("is_blocking", [True, False])
def test_refusing_store_is_asked_as_the_program_calls_it(
    shop: SpooledShop, monkeypatch: pytest.MonkeyPatch, *, is_blocking: bool
) -> None:
    made = shop.make()
    shop.send_away(made)
    shop.store.refused = (made.body,)
    execute = shop.store.execute

    async def aexecute(operation: Operation[A]) -> A:
        await asyncio.sleep(0)  # Which a blocking program could not wait for.
        return execute(operation)

    monkeypatch.setattr(shop.store, "aexecute", aexecute)
    if not is_blocking:
        monkeypatch.setattr(shop.store, "execute", lambda _: pytest.fail("blocks the loop"))
    terms = shop.receiver.drain_terms(is_blocking=is_blocking)
    assert terms is not None
    report = run_sync(drain(terms)) if is_blocking else asyncio.run(drain(terms))
    assert (report.left, report.error) == (1, None)


def test_pass_ends_at_a_store_that_refuses_all(shop: SpooledShop) -> None:
    made = [shop.make() for _ in range(6)]
    for each in made:
        shop.send_away(each)
    shop.store.refused = tuple(each.body for each in made)
    report = shop.drain()
    assert (report.left, str(report.error)) == (3, "The store is away. Try again in 5 s.")
    assert shop.spool.measure().waiting == 6


def test_entry_that_was_not_removed_runs_nothing_again(
    shop: SpooledShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.send_away()

    def remove(_: object) -> None:
        raise Unavailable("As if the process were killed.")

    with monkeypatch.context() as killed:
        killed.setattr(shop.spool, "remove", remove)
        assert shop.drain().error is not None
    assert shop.drain().outcomes == {"duplicate": 1}
    assert len(shop.ran) == 1


def test_one_process_drains_at_a_time(shop: SpooledShop, path: Path) -> None:
    shop.send_away()
    other = Spool(path)
    assert other.claim("another", 30)
    assert shop.drain().is_busy
    other.release("another")
    assert shop.drain().outcomes == {"processed": 1}
    assert other.claim("another", 30)  # The pass has released it.


def test_pass_that_is_stopped_ends_after_that_delivery(shop: SpooledShop) -> None:
    for _ in range(3):
        shop.send_away()
    assert shop.drain(is_stopped=lambda: len(shop.ran) == 2).outcomes == {"processed": 2}
    assert shop.drain(seconds=0).outcomes == {}
    assert shop.drain().outcomes == {"processed": 1}


def test_pass_that_lost_its_lease_ends_after_its_batch(shop: SpooledShop, path: Path) -> None:
    for _ in range(BATCH + 1):
        shop.send_away()
    taken = "UPDATE lease SET holder = 'another'"
    other = Spool(path)

    @contextmanager
    def context() -> Iterator[None]:
        other._connector.run(lambda it: it.execute(taken))
        yield

    shop.receiver.handler_context = context
    assert shop.drain().outcomes == {"processed": BATCH}
    assert not other.claim("a third", 30)  # The pass has not released the lease of another.


def test_deliveries_of_another_receiver_stay(shop: SpooledShop, path: Path) -> None:
    shop.send_away()
    stranger = SpooledShop(path, secrets="another-secret-of-some-length")
    report = stranger.drain()
    assert (report.outcomes, report.left, report.foreign) == ({}, 0, 1)
    assert stranger.ran == []
    assert shop.drain().outcomes == {"processed": 1}


def test_changed_body_stays_and_is_logged_once(
    shop: SpooledShop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.send_away()
    change = "UPDATE deliveries SET content = CAST(content || 'x' AS BLOB)"
    shop.spool._connector.run(lambda it: it.execute(change))
    assert [shop.drain().left for _ in range(2)] == [1, 1]
    assert shop.ran == []
    assert caplog.text.count("stays in the spool") == 1


def test_damaged_entry_stays_and_keeps_no_others_waiting(
    shop: SpooledShop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.send_away()
    shop.spool._connector.run(lambda it: it.execute("UPDATE deliveries SET content = x'00'"))
    shop.send_away()
    report = shop.drain()
    assert (report.outcomes, report.left) == ({"processed": 1}, 1)
    assert f"stays in the spool {shop.spool.path}: its content is damaged." in caplog.text


def test_deliveries_of_tenants_keep_their_identity(path: Path) -> None:
    shop = SpooledShop(path, secrets=lambda _: SECRET)
    made = shop.make()
    assert shop.send(made).outcome is Outcome.PROCESSED
    assert shop.send_away(made).outcome is Outcome.ACCEPTED
    new = shop.make()
    assert shop.send_away(new).outcome is Outcome.ACCEPTED
    assert shop.drain().outcomes == {"duplicate": 1, "processed": 1}
    assert shop.send(new).outcome is Outcome.DUPLICATE


def test_asyncio_program_spools_and_drains(shop: SpooledShop) -> None:
    entered: list[Thread] = []

    @contextmanager
    def context() -> Iterator[None]:
        entered.append(current_thread())
        yield

    async def program() -> Counter[str]:
        shop.store.away = True
        made = [shop.make() for _ in range(20)]
        replies = await asyncio.gather(*(shop.receiver.areceive(*each) for each in made))
        assert {reply.status for reply in replies} == {202}
        shop.store.away = False
        shop.receiver.handler_context = context
        terms = shop.receiver.drain_terms(is_blocking=False)
        assert terms is not None
        return (await drain(terms)).outcomes

    assert asyncio.run(program()) == {"processed": 20}
    assert len(set(shop.ran)) == 20
    assert len(entered) == 20
    assert main_thread() not in entered  # It has the context of async handlers.
