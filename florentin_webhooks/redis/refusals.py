"""Commands that a server refuses for a while: after a fail-over, while loading, or when full.

A primary that became a replica answers over its open connections for as long as they last, so
only a new connection, for which the name is looked up again, leads to the new primary. A refused
command has changed nothing: sending it once more is safe.
"""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING, Any, Self

from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from florentin_webhooks.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "RECONNECTED_ERRORS",
    "WaitingRetry",
    "find_refusal",
    "is_wrong_server",
    "refusal_hint",
]

RECONNECTED_ERRORS: tuple[type[Exception], ...] = (
    RedisConnectionError,
    RedisTimeoutError,
    socket.timeout,
    ReadOnlyError,
    MasterDownError,
)
"""Errors after which a connection is dropped and the command is sent over a new one."""

_CLASSES: dict[type[Exception], str] = {
    AskError: "ASK",
    ReadOnlyError: "READONLY",
    MasterDownError: "MASTERDOWN",
    BusyLoadingError: "LOADING",
    OutOfMemoryError: "OOM",
    ClusterDownError: "CLUSTERDOWN",
    TryAgainError: "TRYAGAIN",
}
_WRONG_SERVER = frozenset({"READONLY", "MASTERDOWN", "LOADING", "UNBLOCKED", "NOREPLICAS"})
"""NOREPLICAS: its replica was promoted, and is the primary for all others."""
_MASTER_LOST = re.compile(r"connection (?:to|with) master lost", re.IGNORECASE)
# redis-py's words, and those of NoPrimaryError. Wrong passwords and certificates do not pass.
_NOT_CONNECTED = re.compile(r"^(?!.*SSL).*\bconnecting to\b|^(?:sentinels|service)$")
# First in an answer; after redis-py's words about a pipeline; or, up to Redis 6, in a script's.
_CODE = re.compile(
    r"(?:^|caused error: |: -)"
    r"(READONLY|MASTERDOWN|LOADING|UNBLOCKED|OOM|MISCONF|NOREPLICAS|BUSY|CLUSTERDOWN|TRYAGAIN|ASK)\b"
)
_HINTS = {
    "READONLY": "It is a replica: check that the name or URL leads to the primary.",
    "OOM": "Its memory is full: raise maxmemory or delete what is not needed.",
    "LOADING": "It reads its data after a start: wait.",
    "MISCONF": "It cannot write to its disk: check the space and the log of the server.",
    "NOREPLICAS": "Too few replicas are connected, or they are too slow: check them.",
    "ASK": "Its part of the cluster moves to another node: wait.",
    "TRYAGAIN": "Its part of the cluster moves to another node: wait.",
    "CLUSTERDOWN": "A node of the cluster is being replaced: wait.",
    "BUSY": "A long script runs on the server: wait, or end it with SCRIPT KILL.",
}
_OTHER_HINT = "Check the server and its replication."


def find_refusal(error: Exception) -> str | None:
    """Return the code of a refusal that passes with time, such as ``READONLY``, or None."""
    for kind, code in _CLASSES.items():
        if isinstance(error, kind):
            return code
    if not isinstance(error, RedisError):
        return None
    text = str(error)
    if _MASTER_LOST.search(text):
        return "MASTERDOWN"
    found = _CODE.search(text)
    return found[1] if found else None


def is_unreachable(error: Exception) -> bool:
    """Return whether no connection could be opened, so that no command was sent."""
    return isinstance(error, RedisConnectionError | RedisTimeoutError) and bool(
        _NOT_CONNECTED.search(str(error))
    )


def is_wrong_server(error: Exception) -> bool:
    """Return whether a new connection may lead to a server that accepts the command."""
    return find_refusal(error) in _WRONG_SERVER


def refusal_hint(code: str) -> str:
    """Return what to do about a refusal."""
    return _HINTS.get(code, _OTHER_HINT)


_LONGEST_WAIT = 2.0
_REMINDER = 60.0
"""Seconds between two warnings of one wait."""


class WaitingRetry(Retry):
    """Retry of a worker, which waits as long as the server refuses commands for a while.

    *address* is shown in warnings. With *forces*, the client has a way around a full memory, so
    it does not wait for that. A wait lasts at most *longest* seconds. Copies share :attr:`waits`,
    which ends all waits when False, and :attr:`outlasts`: whether it also waits for a server that
    is away, before anything is sent to it.
    """

    def __init__(
        self,
        address: str,
        retries: int = 3,
        *,
        forces: bool = False,
        longest: float = float("inf"),
    ) -> None:
        backoff = ExponentialWithJitterBackoff(base=0.1, cap=2.0)
        super().__init__(backoff, retries, RECONNECTED_ERRORS)
        self.address = address
        self.waits = True
        self.outlasts = longest == float("inf")
        self._passed = "OOM" if forces else None
        self._longest = longest

    def __deepcopy__(self, _: object) -> Self:
        # redis-py copies it for each connection.
        return self

    def call_with_retry(
        self,
        do: Callable[[], Any],  # Any: redis-py's, here and below.
        fail: Callable[..., Any],
        *arguments: Any,
        **options: Any,
    ) -> Any:
        """Call *do* as redis-py does, again and again while its command is refused."""
        since, warned, pause = time.monotonic(), 0.0, 0.1
        while True:
            try:
                answer = super().call_with_retry(do, fail, *arguments, **options)
            except RedisError as error:
                code = find_refusal(error)
                is_away = code is None and self.outlasts and is_unreachable(error)
                if not self.waits or not (is_away or code not in (None, self._passed)):
                    raise
                if time.monotonic() - since > self._longest:
                    raise
                if not warned or time.monotonic() - warned > _REMINDER:
                    warned = time.monotonic()
                    self._warn(code)
                _drop(fail, error, options)
            else:
                if warned:
                    logger.warning(
                        "Redis at %s accepts commands again, after %.0f s.",
                        self.address,
                        time.monotonic() - since,
                    )
                return answer
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)

    def _warn(self, code: str | None) -> None:
        if code is None:
            logger.warning("Redis at %s is away, and the worker waits: start it.", self.address)
            return
        logger.warning(
            "Redis at %s refuses a command (%s), and the worker waits. %s",
            self.address,
            code,
            refusal_hint(code),
        )


def _drop(fail: Callable[..., Any], error: Exception, options: dict[str, Any]) -> None:
    if options.get("with_failure_count"):  # redis-py 7.2 and newer.
        fail(error, 1)
    else:
        fail(error)
