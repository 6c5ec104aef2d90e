"""Records of what handlers have done, whose node has died before it confirmed them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.cluster import callers
from florentin_webhooks.redis.cluster.address import Node
from florentin_webhooks.redis.cluster.callers import AsyncioCaller, SyncCaller
from florentin_webhooks.redis.cluster.lanes import Lane, create_lanes
from florentin_webhooks.redis.cluster.topology import Topology
from florentin_webhooks.redis.schema import KeySchema, Script, ScriptCall
from tests.support.waiting import aeventually, eventually

DEAD, HEIR = Node("dead", 1), Node("heir", 2)
CALL = ScriptCall(Script("", ""), (), (), str)
RECORD = CALL._replace(replicas=1, is_record=True)


class Transport:
    """Nodes of which the first does not answer; *owner* has all slots."""

    def __init__(self) -> None:
        self.owner = DEAD
        self.asked: list[Node] = []

    async def send(self, node: Node, _: ScriptCall) -> object:
        self.asked.append(node)
        if node == DEAD:
            raise RedisConnectionError
        return "answer"

    async def ask_owners(self, _: Node) -> Any:
        return [[0, 16383, [*self.owner]]]

    async def pause(self, _: float) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Close nothing."""


class SyncTransport(Transport):
    async def pause(self, _: float) -> None:
        """Do not wait."""


@pytest.fixture
def lane() -> Lane:
    return create_lanes(KeySchema(b"fl:", 1, 1, 1, 1), 1)[0]


def build(kind: Callable[..., Any], transport: Transport) -> Any:
    return kind(Topology([DEAD, HEIR]), cast("Any", transport))


@pytest.mark.anyio
async def test_lost_record_reaches_the_new_owner(lane: Lane) -> None:
    transport = Transport()
    caller = build(AsyncioCaller, transport)
    with pytest.raises(Unavailable) as raised:
        await caller.run(lane, RECORD)
    assert not raised.value.may_pass  # Else each attempt would leave one more in the background.
    transport.owner = HEIR
    await aeventually(lambda: HEIR in transport.asked)
    await caller.aclose()


@pytest.mark.anyio
async def test_lost_record_ends_with_its_store(lane: Lane) -> None:
    transport = Transport()
    caller = build(AsyncioCaller, transport)
    with pytest.raises(Unavailable):
        await caller.run(lane, RECORD)
    await caller.aclose()
    transport.owner = HEIR
    await aeventually(lambda: not caller._records)
    assert HEIR not in transport.asked


def test_lost_record_of_a_thread_reaches_the_new_owner(lane: Lane) -> None:
    transport = SyncTransport()
    caller = build(SyncCaller, transport)
    with pytest.raises(Unavailable) as raised:
        run_sync(caller.run(lane, RECORD))
    assert not raised.value.may_pass
    transport.owner = HEIR
    eventually(lambda: HEIR in transport.asked)


@pytest.mark.parametrize("call", [CALL, CALL._replace(replicas=1), CALL._replace(is_record=True)])
def test_no_other_call_is_sent_again(
    lane: Lane, call: ScriptCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "Thread", None)
    with pytest.raises(Unavailable) as raised:
        run_sync(build(SyncCaller, SyncTransport()).run(lane, call))
    assert raised.value.may_pass


def test_lost_record_is_given_up_in_the_end(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "PATIENCE", 0)
    transport = SyncTransport()
    caller = build(SyncCaller, transport)
    for _ in range(callers._MOST_THREADS + 1):
        with pytest.raises(Unavailable):
            run_sync(caller.run(lane, RECORD))
    eventually(lambda: caller._threads._value == callers._MOST_THREADS)
