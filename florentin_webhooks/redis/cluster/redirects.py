"""What a node of a cluster answers for a slot that it does not serve, or not yet, or not now."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError

from florentin_webhooks.redis.cluster.address import Node

__all__ = ["Redirect", "RedirectKind", "find_redirect"]


class RedirectKind(StrEnum):
    """What to do about an answer."""

    MOVED = "MOVED"
    """Another node owns the slot."""
    ASK = "ASK"
    """The slot is moving, and another node has these keys: ask that one, once."""
    WAIT = "WAIT"
    """The slot is moving, and both nodes have some of the keys."""
    DOWN = "DOWN"
    """The cluster waits for a fail-over."""


class Redirect(NamedTuple):
    """What a node has answered, and the *node* that it names."""

    kind: RedirectKind
    node: Node | None = None


_CLASSES = {MovedError: "MOVED", AskError: "ASK"}
_TO_NODE = re.compile(r"^(?:(MOVED|ASK) )?\d+ (\S*):(\d+)$")
_KINDS = {"TRYAGAIN": RedirectKind.WAIT, "CLUSTERDOWN": RedirectKind.DOWN}
# A script that needs a key which has moved already, but which its call did not name.
_NON_LOCAL = "attempted to access a non local key"


def find_redirect(error: Exception, asked: Node) -> Redirect | None:
    """Return what *error*, an answer of *asked*, says about a slot; None for other errors."""
    if isinstance(error, TryAgainError):
        return Redirect(RedirectKind.WAIT)
    if isinstance(error, ClusterDownError):
        return Redirect(RedirectKind.DOWN)
    if not isinstance(error, RedisError):
        return None
    text = str(error)
    named = next((name for kind, name in _CLASSES.items() if isinstance(error, kind)), None)
    found = _TO_NODE.match(text)
    if found and (named or found[1]):
        host = found[2].strip("[]") or asked.host
        return Redirect(RedirectKind(named or found[1]), Node(host, int(found[3])))
    if _NON_LOCAL in text:
        return Redirect(RedirectKind.WAIT)
    kind = _KINDS.get(text.partition(" ")[0])
    return Redirect(kind) if kind else None
