"""The way of one call, over a transport that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.cluster import follower as module
from florentin_webhooks.redis.cluster.address import Node
from florentin_webhooks.redis.cluster.follower import Follower
from florentin_webhooks.redis.cluster.topology import Topology
from florentin_webhooks.redis.schema import Script, ScriptCall

FIRST, SECOND = Node("first", 1), Node("second", 2)
CALL = ScriptCall(Script("", ""), (), (), str)


class Transport:
    """*answer* maps a node and the number of the call to an answer; *owner* owns all slots."""

    def __init__(self, answer: Callable[[Node, int], object], owner: Node = FIRST) -> None:
        self.answer, self.owner = answer, owner
        self.asked: list[Node] = []
        self.paused = 0
        self.first = 0
        self.is_away = False
        self.questions: list[Node] = []
        self.refusals: list[Exception] = []

    async def send(self, node: Node, _: ScriptCall) -> object:
        self.asked.append(node)
        found = self.answer(node, len(self.asked))
        if isinstance(found, Exception):
            raise found
        return found

    async def send_asking(self, node: Node, _: ScriptCall) -> object:
        if self.refusals:
            raise self.refusals.pop()
        return f"asked {node.host}"

    async def ask_owners(self, node: Node) -> Any:
        self.questions.append(node)
        if self.is_away:
            raise RedisConnectionError
        return [[self.first, 16383, [*self.owner]]]

    async def pause(self, _: float) -> None:
        self.paused += 1


def run(transport: Transport) -> object:
    return run_sync(Follower(Topology([FIRST, SECOND]), transport).run(7, CALL))


def test_moved_slot_is_followed_at_once() -> None:
    moved = ResponseError("MOVED 7 second:2")
    transport = Transport(lambda node, _: moved if node == FIRST else "answer")
    assert run(transport) == "answer"
    assert (transport.asked, transport.paused) == ([FIRST, SECOND], 0)


def test_slot_that_is_taken_over_is_asked_for_once() -> None:
    transport = Transport(lambda *_: ResponseError("ASK 7 second:2"))
    assert run(transport) == "asked second"
    assert transport.asked == [FIRST]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ResponseError("TRYAGAIN keys"), "asked second"), (RedisConnectionError(), None)],
)
def test_node_that_takes_over_without_the_keys_is_waited_for(
    error: Exception, outcome: str | None
) -> None:
    transport = Transport(lambda *_: ResponseError("ASK 7 second:2"))
    transport.refusals = [error]
    if outcome is None:
        with pytest.raises(Unavailable, match="second:2 does not answer"):
            run(transport)
    else:
        assert run(transport) == outcome
        assert (transport.asked, transport.paused) == ([FIRST, FIRST], 1)


def test_slot_that_moves_to_and_fro_is_followed_with_pauses() -> None:
    def answer(node: Node, number: int) -> object:
        other = "second:2" if node == FIRST else "first:1"
        return ResponseError(f"MOVED 7 {other}") if number < 7 else "answer"

    transport = Transport(answer)
    assert run(transport) == "answer"
    assert (len(transport.asked), transport.paused) == (7, 3)


def test_few_nodes_are_asked_for_the_owners() -> None:
    transport = Transport(lambda *_: "answer")
    transport.is_away = True
    follower = Follower(Topology([Node(f"n{n}", n) for n in range(9)]), transport)
    with pytest.raises(Unavailable, match="n2:2 does not answer"):
        run_sync(follower.refresh())
    assert [node.port for node in transport.questions] == [0, 1, 2]


def test_node_that_did_not_answer_rests_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    follower = Follower(Topology([FIRST, SECOND]), Transport(lambda *_: "answer"))
    run_sync(follower.note_failure(FIRST, ResponseError("it did answer")))
    assert not follower.is_resting(FIRST)
    for error in (RedisConnectionError(), RedisTimeoutError(), OSError()):
        run_sync(follower.note_failure(FIRST, error))
        assert (follower.is_resting(FIRST), follower.is_resting(SECOND)) == (True, False)
        now += 0.3
        assert not follower.is_resting(FIRST)


def test_keys_on_both_sides_are_waited_for() -> None:
    split = ResponseError("TRYAGAIN Multiple keys")
    transport = Transport(lambda _, number: split if number < 4 else "answer")
    assert run(transport) == "answer"
    assert transport.paused == 3


def test_keys_on_both_sides_for_too_long_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST", 0.0)
    with pytest.raises(Unavailable, match=r"refuses commands \(TRYAGAIN\)"):
        run(Transport(lambda *_: ResponseError("TRYAGAIN Multiple keys")))


def test_dead_node_is_replaced_by_the_new_owner() -> None:
    transport = Transport(lambda node, _: RedisConnectionError() if node == FIRST else "answer")

    def answer(node: Node, _: int) -> object:
        transport.owner = SECOND
        return RedisConnectionError() if node == FIRST else "answer"

    transport.answer = answer
    assert run(transport) == "answer"
    assert transport.asked == [FIRST, SECOND]


def test_dead_node_without_a_successor_is_asked_once() -> None:
    transport = Transport(lambda *_: RedisConnectionError())
    follower = Follower(Topology([FIRST, SECOND]), transport)
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"first:1 d.* not answer"):
            run_sync(follower.run(7, CALL))
    assert transport.asked == [FIRST]


def test_other_errors_are_unavailable_at_once() -> None:
    transport = Transport(lambda *_: ResponseError("WRONGTYPE Operation"))
    with pytest.raises(Unavailable):
        run(transport)
    assert transport.asked == [FIRST]


def test_slot_without_an_owner_is_named() -> None:
    transport = Transport(lambda *_: "answer")
    transport.first = 8
    follower = Follower(Topology([FIRST]), transport)
    with pytest.raises(Unavailable, match="owns slot 7"):
        run_sync(follower.find_owner(7))


class Silent(Transport):
    """A transport whose *silent* nodes do not answer, in a second of *now* each."""

    def __init__(self, *silent: Node) -> None:
        super().__init__(lambda node, _: self.wait(node) or "answer")
        self.silent = silent
        self.now = 100.0

    def wait(self, node: Node) -> RedisTimeoutError | None:
        if node not in self.silent:
            return None
        self.now += 1
        return RedisTimeoutError("no answer in time")

    async def ask_owners(self, node: Node) -> Any:
        if error := self.wait(node):
            raise error
        return await super().ask_owners(node)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Silent:
    transport = Silent()
    monkeypatch.setattr(module, "monotonic", lambda: transport.now)
    return transport


def test_silent_cluster_is_given_up_after_two_waits(silent: Silent) -> None:
    nodes = [FIRST, SECOND, Node("third", 3)]
    follower = Follower(Topology(nodes), silent)
    assert run_sync(follower.run(7, CALL)) == "answer"
    silent.silent = tuple(nodes)
    since = silent.now
    with pytest.raises(Unavailable):
        run_sync(follower.run(7, CALL))
    assert silent.now - since == 2


def test_next_node_is_asked_for_owners_after_a_silent_one(silent: Silent) -> None:
    silent.silent, silent.owner = (FIRST,), SECOND
    follower = Follower(Topology([FIRST, SECOND]), silent)
    with pytest.raises(Unavailable):
        run_sync(follower.run(7, CALL))
    silent.now += 60
    assert run_sync(follower.run(7, CALL)) == "answer"
