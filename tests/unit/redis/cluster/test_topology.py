from __future__ import annotations

from florentin_webhooks.redis.cluster.address import Node
from florentin_webhooks.redis.cluster.topology import Topology

SEED = Node("seed", 7000)
ANSWER = [
    [8192, 16383, [b"b", 2, b"id"], [b"d", 4, b"id"]],
    [0, 8191, [b"", 1, b"id"], [b"c", 3, b"id"]],
]


def known() -> Topology:
    topology = Topology([SEED])
    topology.load(ANSWER, Node("asked", 9))
    return topology


def test_slots_belong_to_the_primary_of_their_range() -> None:
    owners = [known().owner(slot) for slot in (0, 8191, 8192, 16383)]
    assert owners == [Node("asked", 1), Node("asked", 1), Node("b", 2), Node("b", 2)]


def test_owner_is_unknown_before_an_answer() -> None:
    assert Topology([SEED]).owner(0) is None


def test_moved_slot_belongs_to_the_node_that_was_named() -> None:
    topology = known()
    topology.move(5, Node("new", 5))
    assert topology.owner(5) == Node("new", 5)
    assert topology.owner(6) == Node("asked", 1)
    topology.load(ANSWER, SEED)
    assert topology.owner(5) == Node("seed", 1)


def test_replicas_and_seeds_are_asked_after_the_owners() -> None:
    names = [node.host for node in known().candidates(Node("asked", 1))]
    assert (names[0], {*names[1:4]}, names[4]) == ("b", {"c", "d", "seed"}, "asked")
