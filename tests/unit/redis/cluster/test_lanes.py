from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest
from redis.crc import key_slot

from florentin_webhooks.redis.cluster.lanes import choose_lane, create_lanes
from florentin_webhooks.redis.schema import KeySchema

SCHEMA = KeySchema(b"fl:", 1, 1, 1, 1000)
SLOTS = 16384


@pytest.mark.parametrize("count", [1, 3, 16, 64])
@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_nodes_with_equal_parts_own_as_many_lanes(count: int, nodes: int) -> None:
    owned = Counter(lane.slot * nodes // SLOTS for lane in create_lanes(SCHEMA, count))
    shares = [owned[node] for node in range(nodes)]
    assert max(shares) - min(shares) <= 2


def test_tags_never_change_for_they_are_stored() -> None:
    tags = [lane.tag for lane in create_lanes(SCHEMA, 16)]
    numbers = (3, 21, 61, 43, 2, 20, 60, 42, 1, 23, 63, 41, 0, 22, 62, 40)
    assert tags == [f"{{fl:{number:02}}}" for number in numbers]


def test_every_key_of_a_lane_is_in_its_slot() -> None:
    for lane in create_lanes(SCHEMA, 16):
        its = lane.schema
        keys = [its.record(b"}{"), its.delivery_id(b"{x}"), its.entity(b"e"), its.log, its.done]
        keys += [its.dead, its.trail, its.pending("q"), its.claimed("q"), its.lost("q")]
        keys.append(f"{its.tag}rq:job:1".encode())
        assert {key_slot(key) for key in keys} == {lane.slot}


def test_deliveries_spread_over_all_lanes_evenly() -> None:
    lanes = create_lanes(SCHEMA, 16)
    digests = (sha256(str(n).encode()).digest() for n in range(3200))
    found = Counter(choose_lane(lanes, digest).number for digest in digests)
    assert min(found.values()) > 140
    assert max(found.values()) < 260


def test_history_is_shared_among_lanes() -> None:
    assert {lane.schema.history for lane in create_lanes(SCHEMA, 16)} == {63}
