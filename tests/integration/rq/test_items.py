"""Deliveries that are lists, in workers: one job, whose retries run what has not finished."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from florentin_webhooks import Delivery
from florentin_webhooks.core.replay import plan_record, replay
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.events import Event
from florentin_webhooks.senders import HMACSender
from tests.support.sender_case import sign
from tests.support.vectors import SECRET, Request
from tests.support.workshop import Workshop, open_workshop

MAIL = HMACSender(name="Mail", signature_header="X-Sig", items_field=".")


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, sender=MAIL) as opened:
        yield opened


def listed(count: int, name: str = "open") -> Request:
    body = json.dumps([{"type": name, "n": n} for n in range(count)]).encode()
    signed = sign(MAIL, SECRET, body).items()
    return Request(tuple((name.encode(), value.encode()) for name, value in signed), body)


def note_items(shop: Workshop, *errors: BaseException | None, inline: bool = False) -> list[int]:
    """Register a handler that notes its items and raises *errors*, one in each call."""
    seen, left = list[int](), list(errors)

    @shop.handles("follow", "open", inline=inline)
    def follow(event: Event, delivery: Delivery) -> None:
        assert delivery.item == event.data["n"]
        seen.append(event.data["n"])
        if left and (error := left.pop(0)):
            raise error

    return seen


def test_retried_job_runs_only_the_items_that_failed(shop: Workshop) -> None:
    seen = note_items(shop, None, ValueError(), None, ValueError())
    fingerprint = shop.accept(listed(4))
    assert len(shop.listed()) == 1
    shop.work()
    follow = shop.named("follow")
    reasons = f"{follow}[1]: ValueError; {follow}[3]: ValueError"
    assert shop.record(fingerprint).reasons == {shop.queue: reasons}
    shop.work_it_off()
    assert seen == [0, 1, 2, 3, 1, 3]
    record = shop.record(fingerprint)
    assert record.state is State.DONE
    assert record.handlers == {f"{follow}[{n}]": "done" for n in range(4)}


def test_duplicate_of_a_queued_list_adds_no_job(shop: Workshop) -> None:
    seen = note_items(shop)
    fingerprint = shop.accept(listed(2))
    assert shop.send(listed(2)).outcome == "duplicate"
    shop.work()
    assert shop.send(listed(2)).outcome == "duplicate"
    assert shop.listed() == []
    assert seen == [0, 1]
    assert shop.record(fingerprint).event == "batch"


def test_operators_see_and_replay_the_items_that_failed(shop: Workshop) -> None:
    seen = note_items(shop, None, ValueError(), inline=True)
    shop.send(listed(2))
    (record,) = shop.store.execute(ListRecords()).records
    follow = shop.named("follow")
    planned = [handler.name for handler in plan_record(shop.hooks, record).inline]
    assert (planned, [*record.handlers]) == ([f"{follow}[0]", f"{follow}[1]"], [f"{follow}[0]"])
    assert replay(shop.hooks, record.fingerprint).outcome == "processed"
    assert seen == [0, 1, 1]


def test_retry_of_a_long_list_knows_each_finished_item(shop: Workshop) -> None:
    seen = note_items(shop, None, ValueError(), inline=True)
    assert shop.send(listed(2)).outcome == "handler-failed"
    (record,) = shop.store.execute(ListRecords()).records
    key = f"{shop.prefix}d".encode() + bytes.fromhex(record.fingerprint)
    finished = [part for n in range(9000) for part in (f"h:{shop.named('count')}[{n}]", "done")]
    shop.client.hset(key, items=finished)
    assert shop.send(listed(2)).outcome == "processed"
    assert seen == [0, 1, 1]
