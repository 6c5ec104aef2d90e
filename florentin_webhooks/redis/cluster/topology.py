"""Which node owns each slot, as far as it is known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from florentin_webhooks.redis.cluster.address import Node

__all__ = ["SLOTS_COMMAND", "Topology"]

SLOTS_COMMAND = ("CLUSTER", "SLOTS")


class _Range(NamedTuple):
    start: int
    end: int
    owner: Node


class Topology:
    """The owners of slots; *seeds* are the nodes that were configured.

    Threads share it: each change replaces what the others read.
    """

    def __init__(self, seeds: Sequence[Node]) -> None:
        self._seeds = tuple(seeds)
        self._ranges: tuple[_Range, ...] = ()
        self._others: tuple[Node, ...] = ()
        self._moved: dict[int, Node] = {}

    def owner(self, slot: int) -> Node | None:
        """Return the node that owns *slot*, None where it is unknown."""
        if (moved := self._moved.get(slot)) is not None:
            return moved
        ranges = self._ranges
        position = bisect_right(ranges, slot, key=attrgetter("start")) - 1
        if position < 0 or slot > ranges[position].end:
            return None
        return ranges[position].owner

    def owners(self) -> tuple[Node, ...]:
        """Return each node that owns slots, once."""
        return tuple(dict.fromkeys((*(each.owner for each in self._ranges), *self._moved.values())))

    def move(self, slot: int, node: Node) -> None:
        """Remember what a redirection says: *node* owns *slot*."""
        self._moved = {**self._moved, slot: node}

    def candidates(self, avoided: Node | None = None) -> tuple[Node, ...]:
        """Return the nodes that may be asked for the owners, *avoided* last."""
        nodes = dict.fromkeys((*self.owners(), *self._others, *self._seeds))
        return tuple(sorted(nodes, key=lambda node: node == avoided))

    def load(self, answer: Iterable[Sequence[Any]], asked: Node) -> None:
        """Take the owners from an answer of CLUSTER SLOTS by *asked*."""
        described = [(int(start), int(end), _nodes(nodes, asked)) for start, end, *nodes in answer]
        self._others = tuple(node for *_, nodes in described for node in nodes[1:])
        self._ranges = tuple(
            sorted(_Range(start, end, nodes[0]) for start, end, nodes in described)
        )
        self._moved = {}


def _nodes(described: Iterable[Sequence[Any]], asked: Node) -> tuple[Node, ...]:
    """Return the nodes of a range: the primary, then its replicas."""
    return tuple(_node(host, port, asked) for host, port, *_ in described)


def _node(host: Any, port: Any, asked: Node) -> Node:  # Any: what a RESP parser returns.
    text = host.decode() if isinstance(host, bytes) else host
    # A node that does not know its own name has that by which it was reached.
    return Node(text if text and text != "?" else asked.host, int(port))
