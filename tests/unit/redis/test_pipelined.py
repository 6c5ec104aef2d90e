"""Batches of calls: in order, with cancelled callers, and at the end of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NoReturn

import pytest
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.redis.executors.pipelined import PipelinedExecutor
from florentin_webhooks.redis.protocols import Connection, Pool
from florentin_webhooks.redis.schema import Script, ScriptCall
from tests.support.waiting import aeventually

pytestmark = pytest.mark.anyio


class Server:
    """A client, its pool and its one connection, whose server answers when *open* is set."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.connection_kwargs: Mapping[str, object] = {"socket_timeout": 60}
        self.open = asyncio.Event()
        self.failure = failure
        self.sent: list[bytes] = []
        self.trips = 0
        self.disconnects = 0
        self.answers: list[object] = []

    @property
    def connection_pool(self) -> Pool:
        return self

    async def get_connection(self) -> Connection:
        return self

    async def release(self, connection: Connection) -> None:
        """There is only one."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        assert not inuse_connections
        self.disconnects += 1

    async def send_packed_command(self, command: bytes) -> None:
        self.sent += [word for word in command.split() if word.startswith(b"call-")]
        self.trips += 1
        if self.failure:
            raise self.failure
        await self.open.wait()

    async def read_response(self) -> object:
        answer = self.answers.pop(0) if self.answers else b"answer"
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def info(self) -> Mapping[str, object]:
        return {"aof_enabled": 1}

    async def aclose(self) -> None:
        """Nothing is open."""


def call(number: int, *, may_fail: bool = True, size: int = 0) -> ScriptCall:
    arguments = (b"call-%d" % number,)
    return ScriptCall(Script("text", "sha"), (), arguments, lambda answer: answer, size, may_fail)


async def run(executor: PipelinedExecutor, asked: ScriptCall) -> object:
    """Ask within a test's patience."""
    async with asyncio.timeout(10):
        return await executor.run(asked)


async def until_sent(server: Server, trips: int = 1) -> None:
    await aeventually(lambda: server.trips == trips)


async def cancelled_at_once(executor: PipelinedExecutor) -> None:
    """Ask, and end as a whole event loop does before the sender has taken a step."""
    asked = asyncio.ensure_future(run(executor, call(1)))
    await asyncio.sleep(0)
    assert executor._sender is not None
    executor._sender.cancel()
    asked.cancel()
    await asyncio.wait({asked})


async def test_overdue_calls_fail_unless_their_handlers_have_run() -> None:
    server = Server()
    executor, loop = PipelinedExecutor(server), asyncio.get_running_loop()
    first = asyncio.ensure_future(run(executor, call(1)))
    await until_sent(server)
    late = [asyncio.ensure_future(run(executor, call(n, may_fail=n == 2))) for n in (2, 3)]
    end = loop.time() + TIMEOUTS.queue + 0.05
    await aeventually(lambda: loop.time() > end)
    server.open.set()
    accepting, finishing = await asyncio.gather(*late, return_exceptions=True)
    assert await first == finishing == b"answer"
    assert isinstance(accepting, Unavailable)
    assert server.sent == [b"call-1", b"call-3"]


async def test_call_of_a_cancelled_caller_is_still_sent() -> None:
    server = Server()
    executor = PipelinedExecutor(server)
    first, second = (asyncio.ensure_future(run(executor, call(n))) for n in (1, 2))
    await until_sent(server)
    third = asyncio.ensure_future(run(executor, call(3)))
    await asyncio.sleep(0)
    for cancelled in (second, third):
        cancelled.cancel()
    server.open.set()
    assert await first == b"answer"
    await executor.aclose()
    assert server.sent == [b"call-1", b"call-2", b"call-3"]


async def test_cancelled_sender_sends_its_batch_again_in_order() -> None:
    server = Server()
    executor = PipelinedExecutor(server)
    asked = [asyncio.ensure_future(run(executor, call(n))) for n in (1, 2)]
    await until_sent(server)
    asked.append(asyncio.ensure_future(run(executor, call(3))))
    await asyncio.sleep(0)
    assert executor._sender is not None
    executor._sender.cancel()
    server.open.set()
    assert await asyncio.gather(*asked) == [b"answer"] * 3
    assert server.sent == [b"call-1", b"call-2", b"call-1", b"call-2", b"call-3"]


async def test_sender_cancelled_before_its_first_step_is_replaced() -> None:
    server = Server()
    server.open.set()
    executor = PipelinedExecutor(server)
    await cancelled_at_once(executor)
    assert await run(executor, call(2)) == b"answer"
    assert server.sent == [b"call-1", b"call-2"]


async def test_closing_after_a_cancelled_sender_ends() -> None:
    server = Server()
    executor = PipelinedExecutor(server)
    await cancelled_at_once(executor)
    await asyncio.wait_for(executor.aclose(), 10)


def test_closing_event_loop_waits_for_the_current_batch() -> None:
    async def program() -> Server:
        server = Server()
        executor = PipelinedExecutor(server)
        asking.append(asyncio.ensure_future(run(executor, call(1))))
        await until_sent(server)
        asyncio.get_running_loop().call_soon(server.open.set)
        return server

    asking: list[asyncio.Future[object]] = []
    server = asyncio.run(program())
    assert asking[0].cancelled()
    assert server.sent == [b"call-1", b"call-1"]


async def test_failure_reaches_all_pending_calls_and_the_next_is_served() -> None:
    server = Server(RedisError("secret text"))
    executor = PipelinedExecutor(server)
    result = await asyncio.gather(
        *(run(executor, call(n)) for n in range(200)), return_exceptions=True
    )
    assert {str(each) for each in result} == {
        "Redis at redis://localhost:6379/0 did not answer: RedisError. Try again in 5 s."
    }
    server.failure = None
    server.open.set()
    assert await run(executor, call(1000)) == b"answer"


async def test_unexpected_error_leaves_no_caller_waiting() -> None:
    server, reported = Server(ZeroDivisionError()), list[Mapping[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    with pytest.raises(Unavailable, match="failed unexpectedly"):
        await run(PipelinedExecutor(server), call(1))


async def test_batch_is_bounded_in_number_and_in_bytes() -> None:
    server = Server()
    server.open.set()
    executor = PipelinedExecutor(server)
    await asyncio.gather(*(run(executor, call(n, size=1 << 20)) for n in range(6)))
    assert server.trips == 3
    await asyncio.gather(*(run(executor, call(n)) for n in range(300)))
    assert server.trips == 3 + 3


async def test_failing_decoder_fails_for_its_caller_alone() -> None:
    def fail(_: object) -> NoReturn:
        raise ZeroDivisionError

    server = Server()
    server.open.set()
    executor = PipelinedExecutor(server)
    bad = call(1)._replace(read=fail)
    first, second = await asyncio.gather(
        run(executor, bad), run(executor, call(2)), return_exceptions=True
    )
    assert isinstance(first, ZeroDivisionError)
    assert second == b"answer"


async def test_calls_refused_by_a_replica_go_over_a_new_connection() -> None:
    server = Server()
    server.answers = [b"first", ReadOnlyError("a replica"), ResponseError("UNBLOCKED role")]
    server.open.set()
    executor = PipelinedExecutor(server)
    asked = [run(executor, call(number)) for number in range(3)]
    assert await asyncio.gather(*asked) == [b"first", b"answer", b"answer"]
    assert server.disconnects == 1
    assert server.sent == [b"call-0", b"call-1", b"call-2", b"call-1", b"call-2"]


async def test_call_refused_twice_is_unavailable() -> None:
    server = Server()
    server.answers = [ReadOnlyError("a replica"), ReadOnlyError("a replica")]
    server.open.set()
    with pytest.raises(Unavailable, match="READONLY"):
        await run(PipelinedExecutor(server), call(1))
    assert server.trips == 2
