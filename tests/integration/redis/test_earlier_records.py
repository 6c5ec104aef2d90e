"""Records of versions before 0.2, which have a field for each part of the arrival."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from florentin_webhooks import Delivery
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import ListRecords, Record, Status
from florentin_webhooks.events import Event, InvoiceCreated
from florentin_webhooks.redis.codec.records import unpack_arrival
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        yield opened


def accept_as_before(shop: Workshop) -> Record:
    """Return the record of a queued delivery, after a change to the fields of earlier versions."""
    client: Any = shop.client  # Any: redis-py's.
    fingerprint = shop.accept()
    record, key = shop.record(fingerprint), shop.store.record_key(fingerprint)
    arrival = unpack_arrival(client.hget(key, "d"))
    names = {"e": arrival.event, "i": arrival.delivery_id, "k": arrival.secret, "g": arrival.key_id}
    received = int((arrival.received_at or shop.clock()).timestamp() * 1000)
    client.hset(key, mapping={**names, "r": received})
    client.hdel(key, "d")
    return record


@pytest.mark.parametrize("batch", [1, 64])
def test_job_of_an_earlier_record_gets_its_delivery(shop: Workshop, batch: int) -> None:
    seen: list[Delivery] = []

    @shop.handles("bill", InvoiceCreated)
    def bill(_event: Event, delivery: Delivery) -> None:
        seen.append(delivery)

    record = accept_as_before(shop)
    assert shop.record(record.fingerprint) == record
    shop.work(batch=batch)
    (delivery,) = seen
    got = (delivery.event, delivery.delivery_id, delivery.secret, delivery.key_id)
    assert got == (record.event, record.delivery_id, record.secret, record.key_id)
    assert delivery.received_at == record.received_at
    assert shop.record(record.fingerprint).state is State.DONE


def test_earlier_record_is_found_by_what_it_has(shop: Workshop) -> None:
    shop.does("bill", ValueError())
    record = accept_as_before(shop)
    event, id_ = record.event, record.delivery_id
    assert listed(shop, event=event, delivery_id=id_) == [record.fingerprint]
    assert listed(shop, event=event, delivery_id="other") == listed(shop, event="a.b") == []
    shop.work()
    assert listed(shop, status=Status.SCHEDULED) == [record.fingerprint]


def listed(shop: Workshop, **given: Any) -> list[str]:  # Any: as ListRecords.
    return [each.fingerprint for each in shop.store.execute(ListRecords(**given)).records]
