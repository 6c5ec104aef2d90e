"""Promises of asyncio programs: one WAIT for each write, and what its answer decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import create_asyncio_client
from florentin_webhooks.redis.executors.replicas import wait_words
from florentin_webhooks.redis.executors.replicated import ReplicatedExecutor
from florentin_webhooks.redis.executors.resp import AnswerReader
from florentin_webhooks.redis.schema import Script, ScriptCall
from tests.support.waiting import aeventually

pytestmark = pytest.mark.anyio

PROMISE = Claim(AcceptDecision.QUEUED, bytes(16))
UNBLOCKED = b"-UNBLOCKED force unblock from blocking operation, instance state changed\r\n"


class Server:
    """A server whose scripts answer "queued", and whose WAIT answers the next of *waits*.

    An empty answer closes the connection. *writes* are the names of commands that came together.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.waits: list[bytes] = []
        self.writes: list[list[str]] = []
        self.is_open = True
        self._waiting: list[asyncio.Transport] = []

    async def listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_unix_server(lambda: Served(self), self.path)

    def receive(self, transport: asyncio.Transport, commands: list[list[bytes]]) -> None:
        names = [words[0].decode() for words in commands]
        self.writes.append(names)
        for name in names:
            if name == "WAIT":
                self._waiting.append(transport)
                self.answer_waits()
            else:
                transport.write(b"$6\r\nqueued\r\n")

    def answer_waits(self) -> None:
        while self.is_open and self._waiting:
            transport = self._waiting.pop(0)
            answer = self.waits.pop(0) if self.waits else b":1\r\n"
            transport.write(answer) if answer else transport.close()


class Served(asyncio.Protocol):
    """A connection to the server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._commands = AnswerReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        arrived = cast("list[list[bytes]]", self._commands.feed(data))
        self._server.receive(self._transport, arrived)


@pytest.fixture
async def server(directory: Path) -> AsyncIterator[Server]:
    made = Server(directory / "socket")
    listening = await made.listen()
    yield made
    listening.close()


@pytest.fixture
async def executor(server: Server) -> AsyncIterator[ReplicatedExecutor]:
    made = ReplicatedExecutor(create_asyncio_client(f"unix://{server.path}"), replicas=1)
    made._timeout = 10
    yield made
    await made.aclose()


def call(replicas: int = 1) -> ScriptCall:
    return ScriptCall(Script("text", "sha"), (b"key",), (), lambda _: PROMISE, 0, True, replicas)


async def ask(executor: ReplicatedExecutor, *calls: ScriptCall) -> list[object]:
    async with asyncio.timeout(10):
        return await asyncio.gather(*map(executor.run, calls), return_exceptions=True)


async def test_calls_of_one_turn_share_a_wait(server: Server, executor: ReplicatedExecutor) -> None:
    assert await ask(executor, *[call()] * 3) == [PROMISE] * 3
    assert server.writes == [["EVALSHA"] * 3 + ["WAIT"]]


async def test_calls_that_promise_nothing_do_not_wait(
    server: Server, executor: ReplicatedExecutor
) -> None:
    assert await ask(executor, call(0)) == [PROMISE]
    assert server.writes == [["EVALSHA"]]


async def test_next_calls_leave_after_the_wait(
    server: Server, executor: ReplicatedExecutor
) -> None:
    server.is_open = False
    first = asyncio.ensure_future(executor.run(call()))
    await aeventually(lambda: server.writes)
    second = asyncio.ensure_future(executor.run(call()))
    await asyncio.sleep(0.01)
    assert (len(server.writes), first.done()) == (1, False)
    server.is_open = True
    server.answer_waits()
    assert [await first, await second] == [PROMISE] * 2
    assert len(server.writes) == 2


async def test_promise_without_replicas_is_unavailable(
    server: Server, executor: ReplicatedExecutor
) -> None:
    server.waits = [b":0\r\n"]
    (failure,) = await ask(executor, call())
    assert isinstance(failure, Unavailable)
    assert "only 0 of 1 replicas confirmed it" in failure.message
    assert await ask(executor, call()) == [PROMISE]  # Over a new connection.


@pytest.mark.parametrize("answer", [UNBLOCKED, b""], ids=["demoted", "closed"])
async def test_calls_are_repeated_where_the_wait_was_cut(
    server: Server, executor: ReplicatedExecutor, answer: bytes
) -> None:
    server.waits = [answer]
    assert await ask(executor, call(), call()) == [PROMISE] * 2
    assert server.writes == [["EVALSHA", "EVALSHA", "WAIT"]] * 2


async def test_refused_wait_is_unavailable(server: Server, executor: ReplicatedExecutor) -> None:
    server.waits = [b"-NOPERM User web has no permissions to run the 'wait' command\r\n"]
    (failure,) = await ask(executor, call())
    assert isinstance(failure, Unavailable)
    assert "does not let this user run wait" in failure.message


def test_wait_ends_before_the_time_for_its_answer() -> None:
    assert wait_words(2, 0.4) == ("WAIT", 2, 240)
