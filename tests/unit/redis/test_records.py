"""What a record has of an arrival, in one field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from florentin_webhooks.redis.codec.records import Arrival, pack_arrival, unpack_arrival
from tests.support.stores import NOON, accept, content


@pytest.mark.parametrize("delivery_id", [None, "id 1", "5 ü\0"])
@pytest.mark.parametrize("event", ["invoice.created", "", "2 ö", "a\0b"])
@pytest.mark.parametrize("secret", ["", "secret-1", "3 é"])
@pytest.mark.parametrize("key_id", ["", "ab12"])
def test_packed_arrival_is_unpacked(
    delivery_id: str | None, event: str, secret: str, key_id: str
) -> None:
    made = replace(
        accept(content()).delivery,
        event=event,
        secret=secret,
        key_id=key_id,
        delivery_id=delivery_id,
    )
    packed = pack_arrival(made, int(NOON.timestamp() * 1000))
    assert unpack_arrival(packed) == Arrival(NOON, event, secret, key_id, delivery_id)


def test_record_without_an_arrival_is_compact() -> None:
    assert unpack_arrival(b"") == Arrival()
