"""Commands that a server refuses for a while: after a fail-over, while loading, or when full.

A primary that became a replica answers over its open connections for as long as they last, so
only a new connection, for which the name is looked up again, leads to the new primary. A refused
command has changed nothing: sending it once more is safe.
"""

from __future__ import annotations

import re
import socket
from traceback import walk_tb

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
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

__all__ = [
    "RECONNECTED_ERRORS",
    "find_refusal",
    "is_unreachable",
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
_CONNECTING = frozenset({"connect", "connect_check_health"})
"""The methods of redis-py's connections that open them."""
_MASTER_LOST = re.compile(r"connection (?:to|with) master lost", re.IGNORECASE)
# redis-py's words, and those of NoPrimaryError.
_NOT_CONNECTED = re.compile(r"\bconnecting to\b|^(?:sentinels|service)$")
# A wrong certificate does not pass; but a load balancer without a server ends TLS without a word.
_WRONG_TLS = re.compile(r"\[SSL(?!: UNEXPECTED_EOF)")
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
    if not isinstance(error, RedisConnectionError | RedisTimeoutError):
        return False
    if isinstance(error, AuthenticationError | AuthorizationError):  # They do not pass.
        return False
    text = str(error)
    if _WRONG_TLS.search(text):
        return False
    return bool(_NOT_CONNECTED.search(text)) or _was_connecting(error)


def _was_connecting(error: Exception) -> bool:
    """Return whether redis-py raised *error* in the handshake of a new connection.

    A load balancer without a server accepts it and resets it. redis-py's words are then those of an
    answer that got lost; only the frames differ.
    """
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(
        frame.f_code.co_name in _CONNECTING and frame.f_globals["__name__"] == "redis.connection"
        for frame in frames
    )


def is_wrong_server(error: Exception) -> bool:
    """Return whether a new connection may lead to a server that accepts the command."""
    return find_refusal(error) in _WRONG_SERVER


def refusal_hint(code: str) -> str:
    """Return what to do about a refusal."""
    return _HINTS.get(code, _OTHER_HINT)
