from __future__ import annotations

from florentin_webhooks.redis.cluster.lanes import create_lanes
from florentin_webhooks.redis.cluster.memo import LaneMemo
from florentin_webhooks.redis.schema import KeySchema

LANES = create_lanes(KeySchema(b"fl:", 1, 1, 1, 1), 2)


def test_memo_forgets_the_oldest_beyond_its_size() -> None:
    memo = LaneMemo(2)
    for number in range(3):
        memo.add(bytes([number]), LANES[0])
    memo.add(bytes([2]), LANES[1])
    assert [memo.get(bytes([number])) for number in range(3)] == [None, LANES[0], LANES[1]]
