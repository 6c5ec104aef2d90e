"""The checks of a cluster's nodes, each of which is judged before its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.redis.durability import ServerCheck

if TYPE_CHECKING:
    from florentin_webhooks.redis.cluster.address import Node

__all__ = ["NodeChecks"]


class NodeChecks:
    """One check for each node of a cluster, also of those that join it later."""

    def __init__(self) -> None:
        self._checks: dict[Node, ServerCheck] = {}
        self._is_skipped = False

    def find(self, node: Node) -> ServerCheck:
        """Return the check of *node*."""
        return self._checks.setdefault(node, ServerCheck(is_done=self._is_skipped))

    def skip(self) -> None:
        """Do without them: someone else reports what the servers say about themselves."""
        self._is_skipped = True
        for check in self._checks.values():
            check.is_done = True
