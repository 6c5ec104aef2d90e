"""Say what a Redis server is set up to forget, from what its INFO tells."""

from __future__ import annotations

import logging
from collections.abc import Mapping

__all__ = ["check_durability"]

logger = logging.getLogger("florentin_webhooks")


def check_durability(info: Mapping[str, object] | None) -> None:
    """Log what would lose deliveries or let replays in; *info* is None where INFO is forbidden."""
    if info is None:
        logger.warning("Redis does not tell how it is set up; see to AOF and noeviction yourself")
        return
    policy, limit = str(info.get("maxmemory_policy", "noeviction")), info.get("maxmemory", 0)
    if limit and policy != "noeviction":
        logger.error(
            "Redis evicts deliveries when its memory is full (maxmemory-policy %s), after which "
            "they are lost or can be replayed; set maxmemory-policy noeviction",
            policy,
        )
    if not info.get("aof_enabled"):
        logger.warning(
            "Redis has no append-only file: a restart forgets what was accepted, and what it "
            "forgot can be replayed within the tolerance; set appendonly yes"
        )
