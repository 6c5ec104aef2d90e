"""The receiver whose deliveries are remembered in Redis."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import left_behind_shop

from florentin_webhooks import Receiver, RedisStore, RQQueue

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)

hooks = Receiver(
    "a-secret-of-sixteen-and-more",
    store=RedisStore(os.environ["LEFT_BEHIND_REDIS"]),
    queue=RQQueue("leftbehind", retries=(3600,), receiver="left_behind_redis:hooks"),
    clock=lambda: NOON,
)
hooks.include(left_behind_shop.router)
