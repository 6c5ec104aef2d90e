"""Time that passes in Redis without waiting: what a store keeps there becomes older."""

from __future__ import annotations

import re
from typing import Any

_LEASE = re.compile(rb"u(:.*)?", re.DOTALL)
"""A field with the end of a lease, as ``redis/schema.py`` lists them."""
_GUARD = re.compile(rb"(.*:)(\d+)", re.DOTALL)
"""A guard: whose lease it is, and its end."""
_DATED = (b"pending:", b"claimed:", b"lost:", b"dead")
"""Sorted sets by time."""


def age(client: Any, prefix: str, seconds: float) -> None:  # Any: redis-py leaves its types open.
    """Move the ends of all leases and lifetimes under *prefix* into the past."""
    past = int(seconds * 1000) + 1
    for key in client.scan_iter(f"{prefix}*", count=1000):
        kind = client.type(key)
        if kind == b"hash":
            _age_leases(client, key, past)
        elif kind == b"zset" and key.removeprefix(prefix.encode()).startswith(_DATED):
            for member in client.zrange(key, 0, -1):
                client.zincrby(key, -past, member)
        if (left := client.pttl(key)) >= 0:
            client.pexpire(key, left - past)


def _age_leases(client: Any, key: bytes, past: int) -> None:
    for field, value in client.hgetall(key).items():
        if _LEASE.fullmatch(field):
            client.hset(key, field, int(value) - past)
        elif field.startswith(b"o:") and (guard := _GUARD.fullmatch(value)):
            client.hset(key, field, guard[1] + b"%d" % (int(guard[2]) - past))
