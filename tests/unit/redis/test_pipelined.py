"""Calls in flight: in order, with cancelled callers, and at the end of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn, cast

import pytest

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import Timeouts, create_asyncio_client
from florentin_webhooks.redis.executors import calls
from florentin_webhooks.redis.executors.calls import MAX_CALLS
from florentin_webhooks.redis.executors.pipelined import PipelinedExecutor
from florentin_webhooks.redis.executors.resp import AnswerReader
from florentin_webhooks.redis.schema import Script, ScriptCall
from tests.support.waiting import aeventually

pytestmark = pytest.mark.anyio

ANSWER = b"$6\r\nanswer\r\n"
READONLY = b"-READONLY You can't write against a read only replica.\r\n"


class Server:
    """A server on a socket that answers once it is open: *answers* first, then "answer".

    *sent* are the calls that arrived, *connections* how many were opened, *pieces* how many pieces
    of data came. It has no tasks, so it lives as long as its event loop.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "socket"
        self.answers: list[bytes] = []
        self.sent: list[bytes] = []
        self.connections = self.pieces = 0
        self.transport = asyncio.Transport()
        self._is_open = False
        self._unanswered: list[asyncio.Transport] = []

    async def listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_unix_server(lambda: Served(self), self.path)

    def executor(self, *, closes_with_loop: bool = False) -> PipelinedExecutor:
        """Return an executor over a client of redis-py; it waits long for answers."""
        client = create_asyncio_client(f"unix://{self.path}")
        made = PipelinedExecutor(client, closes_with_loop=closes_with_loop)
        made._timeout = 10
        return made

    def receive(self, transport: asyncio.Transport, commands: list[list[bytes]]) -> None:
        self.pieces += 1
        self.sent += [words[3] for words in commands]
        self._unanswered += [transport] * len(commands)
        if self._is_open:
            self.open()

    def open(self) -> None:
        """Answer what has been asked, and from now on at once."""
        self._is_open = True
        for transport in self._unanswered:
            transport.write(self.answers.pop(0) if self.answers else ANSWER)
        self._unanswered.clear()

    def shut(self) -> None:
        """Answer nothing until it is open again."""
        self._is_open = False


class Served(asyncio.Protocol):
    """A connection to the server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._commands = AnswerReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._server.transport = cast("asyncio.Transport", transport)
        self._server.connections += 1

    def data_received(self, data: bytes) -> None:
        arrived = cast("list[list[bytes]]", self._commands.feed(data))
        self._server.receive(self._transport, arrived)


@pytest.fixture
async def server(directory: Path) -> AsyncIterator[Server]:
    made = Server(directory)
    listening = await made.listen()
    yield made
    listening.close()


@pytest.fixture
async def executor(server: Server) -> AsyncIterator[PipelinedExecutor]:
    made = server.executor()
    yield made
    server.open()
    await made.aclose()


def call(number: int, *, may_fail: bool = True, size: int = 0) -> ScriptCall:
    keys = (b"call-%d" % number,)
    return ScriptCall(
        Script("text", "sha"), keys, (b"x" * size,), lambda answer: answer, may_fail=may_fail
    )


def sent(*numbers: int) -> list[bytes]:
    return [b"call-%d" % number for number in numbers]


def ask(executor: PipelinedExecutor, asked: ScriptCall) -> asyncio.Future[object]:
    """Ask within a test's patience."""
    return asyncio.ensure_future(asyncio.wait_for(executor.run(asked), 10))


async def until_sent(server: Server, count: int = 1) -> None:
    await aeventually(lambda: len(server.sent) >= count)


async def test_calls_leave_without_waiting_for_answers(
    server: Server, executor: PipelinedExecutor
) -> None:
    asked = [ask(executor, call(1))]
    await until_sent(server)
    server.answers = [b"$3\r\none\r\n", b":2\r\n", b"*1\r\n$5\r\nthree\r\n"]
    asked += [ask(executor, call(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    server.open()
    assert await asyncio.gather(*asked) == [b"one", 2, [b"three"]]
    assert server.connections == 1


async def test_overdue_calls_fail_unless_their_handlers_have_run(
    server: Server, executor: PipelinedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [ask(executor, call(number)) for number in range(MAX_CALLS)]
    await until_sent(server)
    monkeypatch.setattr(calls, "TIMEOUTS", Timeouts(queue=0))
    late = [ask(executor, call(n, may_fail=n == 1001)) for n in (1001, 1002)]
    await asyncio.sleep(0.01)
    server.open()
    accepting, finishing = await asyncio.gather(*late, return_exceptions=True)
    await asyncio.gather(*full)
    assert isinstance(accepting, Unavailable)
    assert finishing == b"answer"
    assert b"call-1001" not in server.sent


async def test_call_of_a_cancelled_caller_is_still_sent(
    server: Server, executor: PipelinedExecutor
) -> None:
    first, second = (ask(executor, call(n)) for n in (1, 2))
    await until_sent(server)
    third = ask(executor, call(3))
    await asyncio.sleep(0)
    for cancelled in (second, third):
        cancelled.cancel()
    server.answers = [b":1\r\n", b":2\r\n", b":3\r\n", b":4\r\n"]
    server.open()
    assert await first == 1
    assert await ask(executor, call(4)) == 4
    assert server.sent == sent(1, 2, 3, 4)


@pytest.mark.parametrize("in_flight", [True, False])
def test_closing_event_loop_waits_for_pending_calls(directory: Path, *, in_flight: bool) -> None:
    async def program() -> tuple[Server, asyncio.Future[object]]:
        server = Server(directory)
        listening = await server.listen()
        executor = server.executor(closes_with_loop=True)
        server.open()
        await ask(executor, call(1))
        listening.close()
        server.shut()
        asked = ask(executor, call(2))
        await (until_sent(server, 2) if in_flight else asyncio.sleep(0))
        asyncio.get_running_loop().call_later(0.01, server.open)
        return server, asked

    server, asked = asyncio.run(program())
    assert asked.cancelled()
    assert server.sent == sent(1, 2)


async def test_unreachable_server_fails_all_pending_calls(directory: Path) -> None:
    executor = PipelinedExecutor(create_asyncio_client(f"unix://{directory}/nothing"))
    asked = [ask(executor, call(number)) for number in range(2 * MAX_CALLS)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert "does not answer" in str(results[0])
    await executor.aclose()


async def test_lost_connection_is_replaced_and_the_calls_sent_again_once(
    server: Server, executor: PipelinedExecutor
) -> None:
    asked = [ask(executor, call(number)) for number in (1, 2)]
    for time in (1, 2):
        await until_sent(server, 2 * time)
        server.transport.abort()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert server.sent == sent(1, 2, 1, 2)
    server.open()
    assert await ask(executor, call(3)) == b"answer"


async def test_server_that_hangs_fails_all_pending_calls_in_time(
    server: Server, executor: PipelinedExecutor
) -> None:
    executor._timeout = 0.05
    asked = [ask(executor, call(number)) for number in range(MAX_CALLS + 1)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    assert server.connections == 2


async def test_calls_in_flight_are_bounded_in_number_and_in_bytes(
    server: Server, executor: PipelinedExecutor
) -> None:
    large = [ask(executor, call(number, size=1 << 20)) for number in range(6)]
    await until_sent(server, 2)
    await asyncio.sleep(0.01)
    assert len(server.sent) == 2
    server.open()
    await asyncio.gather(*large)
    server.shut()
    small = [ask(executor, call(number)) for number in range(300)]
    await until_sent(server, 6 + MAX_CALLS)
    await asyncio.sleep(0.01)
    assert len(server.sent) == 6 + MAX_CALLS
    before = server.pieces
    server.open()
    await asyncio.gather(*small)
    assert server.pieces - before <= 300 / (MAX_CALLS / 2)


async def test_failing_decoder_fails_for_its_caller_alone(
    server: Server, executor: PipelinedExecutor
) -> None:
    def fail(_: object) -> NoReturn:
        raise ZeroDivisionError

    server.open()
    bad = call(1)._replace(read=fail)
    first, second = await asyncio.gather(
        ask(executor, bad), ask(executor, call(2)), return_exceptions=True
    )
    assert isinstance(first, ZeroDivisionError)
    assert second == b"answer"


async def test_calls_refused_by_a_replica_go_over_a_new_connection(
    server: Server, executor: PipelinedExecutor
) -> None:
    server.answers = [b"$5\r\nfirst\r\n", READONLY, b"-UNBLOCKED the role has changed\r\n"]
    server.open()
    asked = [ask(executor, call(number)) for number in range(3)]
    assert await asyncio.gather(*asked) == [b"first", b"answer", b"answer"]
    assert server.connections == 2
    assert server.sent[:3] == sent(0, 1, 2)


async def test_call_refused_twice_is_unavailable(
    server: Server, executor: PipelinedExecutor
) -> None:
    server.answers = [READONLY, READONLY]
    server.open()
    with pytest.raises(Unavailable, match="READONLY"):
        await ask(executor, call(1))
    assert server.sent == sent(1, 1)


async def test_answers_that_belong_to_no_call_close_the_connection(
    server: Server, executor: PipelinedExecutor
) -> None:
    server.answers = [b":1\r\n:2\r\n:3\r\n"]
    server.open()
    assert await ask(executor, call(1)) == 1
    assert await ask(executor, call(2)) == b"answer"
    assert server.connections == 2


async def test_answer_in_another_protocol_is_unavailable(
    server: Server, executor: PipelinedExecutor
) -> None:
    server.answers = [b"HTTP/1.1 400 Bad Request\r\n\r\n"] * 2
    server.open()
    with pytest.raises(Unavailable):
        await ask(executor, call(1))


async def test_sent_call_is_written_before_its_answer_is_awaited(
    server: Server, executor: PipelinedExecutor
) -> None:
    server.open()
    assert await ask(executor, call(0)) == b"answer"
    assert await (await executor.send(call(1))) == b"answer"  # From now on it knows the script.
    server.shut()
    pending = await executor.send(call(2))
    assert not pending.done()
    await until_sent(server, 3)
    server.open()
    assert await pending == b"answer"


async def test_sent_call_waits_for_a_connection(
    server: Server, executor: PipelinedExecutor
) -> None:
    server.open()
    pending = await executor.send(call(1))
    assert pending.done()
    assert await pending == b"answer"
