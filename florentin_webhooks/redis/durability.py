"""Check from a server's INFO whether it keeps what it is given."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import RedisError

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.failures import Failure, describe, describe_failure, find_failure

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "OLDEST_VERSION",
    "check_answer",
    "check_durability",
    "find_old_version",
    "loses_in_failover",
    "refuse_unfit_server",
]

OLDEST_VERSION = (6, 2)
"""The oldest version of Redis that has all the commands that scripts and workers need."""

logger = logging.getLogger("florentin_webhooks")


def check_durability(info: Mapping[str, object] | None, *, fails_over: bool = False) -> None:
    """Log settings that lose deliveries or let replays in.

    *info* is None if the server refuses INFO. With *fails_over* a replica will take its place, also
    where none is connected now.
    """
    if info is None:
        logger.warning(
            "Redis refuses INFO, so its durability is unknown. "
            "Check that appendonly is yes and maxmemory-policy is noeviction."
        )
        return
    if version := find_old_version(info):
        logger.error(
            "Redis %s is too old: jobs that it loses are not requeued. Use 6.2, or newer.", version
        )
    policy, limit = str(info.get("maxmemory_policy", "noeviction")), info.get("maxmemory", 0)
    if limit and policy != "noeviction":
        logger.error(
            "Redis evicts deliveries when its memory is full (maxmemory-policy %s): "
            "they are lost or can be replayed. Set maxmemory-policy noeviction.",
            policy,
        )
    if not info.get("aof_enabled"):
        logger.warning(
            "Redis has no append-only file: a restart loses accepted deliveries, and lost ones "
            "can be replayed within the tolerance. Set appendonly yes."
        )

    if loses_in_failover(info, fails_over=fails_over):
        logger.warning(
            "A fail-over of Redis loses or repeats what its replica has not received: "
            "a planned one lost 440 of 1,200 accepted deliveries. "
            "Set min-replicas-to-write 1 and min-replicas-max-lag 2."
        )


def refuse_unfit_server(client: Any, address: str, *, has_lanes: bool) -> None:
    """Raise :class:`ConfigurationError` if the server at *address* is too old, or one of several.

    A server without an answer is accepted. A node of a cluster needs a store that *has_lanes*.
    """
    try:
        info = client.info()
    except (RedisError, OSError) as error:
        if find_failure(error)[0] is Failure.OLD:
            raise ConfigurationError(*describe_failure(address, error)) from None
        return
    if version := find_old_version(info):
        message = f"Redis at {address} has version {version}, which is too old."
        raise ConfigurationError(message, "Use Redis 6.2 or Valkey 7.2, or newer.")
    if info.get("cluster_enabled") and not has_lanes:
        raise ConfigurationError(*describe(address, Failure.CLUSTER, ""))


def loses_in_failover(info: Mapping[str, object], *, fails_over: bool) -> bool:
    """Return whether a primary goes on accepting deliveries that no replica receives."""
    has_replica = bool(info.get("connected_slaves")) or fails_over
    # The server counts its good replicas only where it needs some.
    return has_replica and "min_slaves_good_slaves" not in info


def find_old_version(info: Mapping[str, object]) -> str:
    """Return the version of a server that is too old, and an empty text for others."""
    version = str(info.get("redis_version", ""))
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    return version if numbers and numbers < OLDEST_VERSION else ""


def check_answer(answer: asyncio.Future[object], *, fails_over: bool = False) -> None:
    """Check the *answer* to INFO, as a server sends it."""
    refused = answer.cancelled() or answer.exception() is not None
    info = None if refused else _parse_info(cast("bytes", answer.result()))
    check_durability(info, fails_over=fails_over)


def _parse_info(text: bytes) -> Mapping[str, object]:
    """Return the fields of INFO."""
    pairs = (line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    return {name: int(value) if value.isdecimal() else value for name, value in pairs}
