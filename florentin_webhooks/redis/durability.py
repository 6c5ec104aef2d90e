"""Check from a server's INFO whether it is fit for a store, and keeps what it is given."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import RedisError, ResponseError

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.addresses import display_pool, is_behind_sentinel
from florentin_webhooks.redis.failures import (
    Failure,
    UnfitServerError,
    describe,
    describe_failure,
    find_failure,
)

if TYPE_CHECKING:
    from florentin_webhooks.redis.protocols import Connection, Pool, SyncClient

__all__ = [
    "OLDEST_VERSION",
    "ServerCheck",
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
        raise ConfigurationError(*_describe_old(address, version))
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


class ServerCheck:
    """The check of a server before a store sends it anything, which ends with the first fit one.

    All executors of the store share it.
    """

    def __init__(self, *, is_done: bool = False) -> None:
        self.is_done = is_done

    def run(self, client: SyncClient) -> None:
        """Ask the server of *client*; raises RedisError, OSError or :class:`UnfitServerError`."""
        info: Mapping[str, object] | None = None
        try:
            info = client.info()
        except ResponseError as error:
            _ensure_refused(error)
        self._judge(info, client.connection_pool)

    async def arun(self, connection: Connection, pool: Pool) -> None:
        """Ask the server over a *connection* of *pool*; raises as :meth:`run` does."""
        info: Mapping[str, object] | None = None
        await connection.send_command("INFO", check_health=False)
        try:
            info = _parse_info(cast("bytes", await connection.read_response()))
        except ResponseError as error:
            _ensure_refused(error)
        self._judge(info, pool)

    def _judge(self, info: Mapping[str, object] | None, pool: object) -> None:
        if info is not None and (version := find_old_version(info)):
            raise UnfitServerError(*_describe_old(display_pool(pool), version))
        if self.is_done:  # By another thread, which has logged the risks.
            return
        self.is_done = True
        check_durability(info, fails_over=is_behind_sentinel(pool))


def _ensure_refused(error: ResponseError) -> None:
    """Raise *error* unless the server will always answer so, and may be fit all the same."""
    if find_failure(error)[0] not in (Failure.RIGHTS, Failure.OTHER):
        raise error


def _describe_old(address: str, version: str) -> tuple[str, str]:
    message = f"Redis at {address} has version {version}, which is too old."
    return message, "Use Redis 6.2 or Valkey 7.2, or newer."


def _parse_info(text: bytes) -> Mapping[str, object]:
    """Return the fields of INFO."""
    pairs = (line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    return {name: int(value) if value.isdecimal() else value for name, value in pairs}
