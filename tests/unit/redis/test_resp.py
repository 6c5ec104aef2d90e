"""Round trips over a pool that a test controls: encoding, retries and timeouts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.redis.clients import Timeouts
from florentin_webhooks.redis.executors import resp
from florentin_webhooks.redis.executors.resp import round_trip
from florentin_webhooks.redis.protocols import Connection, Word


class Pool:
    """A pool with one connection, whose *answers* are returned or raised in turn."""

    def __init__(self, *answers: object, timeout: float | None = 60) -> None:
        self.connection_kwargs: Mapping[str, object] = {"socket_timeout": timeout}
        self.answers = [*answers]
        self.sent: list[bytes] = []
        self.out = 0

    async def get_connection(self) -> Connection:
        self.out += 1
        return self

    async def release(self, connection: Connection) -> None:
        assert connection is self
        self.out -= 1

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """One round trip drops nothing."""

    async def send_packed_command(self, command: bytes) -> None:
        self.sent.append(command)

    async def read_response(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.Event().wait()
        return answer


def trip(pool: Pool, *commands: tuple[Word, ...]) -> list[object]:
    return asyncio.run(round_trip(pool, commands))


def decode(packed: bytes) -> list[list[bytes]]:
    """Decode arrays of strings in RESP, by their lengths."""
    commands: list[list[bytes]] = []
    while packed:
        head, _, packed = packed.partition(b"\r\n")
        assert head[:1] == b"*"
        words: list[bytes] = []
        for _ in range(int(head[1:])):
            head, _, packed = packed.partition(b"\r\n")
            assert head[:1] == b"$"
            size = int(head[1:])
            words.append(packed[:size])
            assert packed[size : size + 2] == b"\r\n"
            packed = packed[size + 2 :]
        commands.append(words)
    return commands


WORDS = st.one_of(st.binary(max_size=600), st.text(max_size=300), st.integers())


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4).map(tuple), min_size=1, max_size=3))
def test_commands_are_encoded_as_arrays_of_strings(commands: list[tuple[Word, ...]]) -> None:
    pool = Pool(*range(len(commands)))
    assert trip(pool, *commands) == [*range(len(commands))]
    (packed,) = pool.sent
    assert decode(packed) == [
        [each if isinstance(each, bytes) else str(each).encode() for each in command]
        for command in commands
    ]


def test_response_error_is_the_answer_of_its_command_alone() -> None:
    error = ResponseError("NOSCRIPT")
    assert trip(Pool(b"first", error, b"third"), ("A",), ("B",), ("C",)) == [
        b"first",
        error,
        b"third",
    ]


def test_lost_connection_is_retried_once() -> None:
    pool = Pool(RedisConnectionError(), b"answer")
    assert trip(pool, ("A",)) == [b"answer"]
    assert len(pool.sent) == 2


def test_second_lost_connection_is_raised() -> None:
    pool = Pool(RedisConnectionError(), RedisConnectionError(), b"answer")
    with pytest.raises(RedisConnectionError):
        trip(pool, ("A",))
    assert len(pool.sent) == 2


def test_missing_answer_is_a_timeout_and_the_connection_is_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resp, "TIMEOUTS", Timeouts(socket=0.01))
    pool = Pool(None, None, timeout=None)
    with pytest.raises(RedisTimeoutError, match="no answer in time"):
        trip(pool, ("A",))
    assert pool.out == 0
