"""Whether a server has used up the memory that it may use."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError

__all__ = ["is_full"]

_FULL = 0.99
"""What a server uses goes up and down by the size of its buffers."""


def is_full(client: Any) -> bool:  # Any: redis-py's clients.
    """Return whether the server refuses what needs memory; False where INFO is forbidden."""
    try:
        info = client.info("memory")
    except ResponseError:
        return False
    limit = info.get("maxmemory", 0)
    is_kept = info.get("maxmemory_policy", "noeviction") == "noeviction"
    return bool(limit) and is_kept and info["used_memory"] >= limit * _FULL
