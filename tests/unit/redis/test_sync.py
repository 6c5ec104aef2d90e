"""The executor of synchronous programs, over a client that a test controls."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.retry import Retry

from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.codec import accept as codec
from florentin_webhooks.redis.durability import ServerCheck
from florentin_webhooks.redis.executors.calls import PackedCall
from florentin_webhooks.redis.executors.packed import PackedCalls
from florentin_webhooks.redis.executors.sync import SyncExecutor
from florentin_webhooks.redis.protocols import SyncClient, SyncConnection, SyncPool, Word
from florentin_webhooks.redis.refusals import RECONNECTED_ERRORS
from florentin_webhooks.redis.schema import KeySchema, Script, ScriptCall

CALL = ScriptCall(Script("text", "sha"), (b"key",), ("word",), bytes.decode)


class Client:
    """A client that raises *errors*, one for each command, before it answers."""

    def __init__(self, *errors: Exception, info: Exception | str = "7.0.0") -> None:
        self.errors = [*errors]
        self.sent: list[tuple[Word, ...]] = []
        self.checks = 0
        self.disconnects = 0
        self.closed = False
        self.auto_close_connection_pool = True
        self.version = info
        self.connection_kwargs: Mapping[str, object] = {"host": "db", "port": 7}

    def execute_command(self, *words: Word) -> object:
        self.sent.append(words)
        if self.errors:
            raise self.errors.pop(0)
        return b"answer"

    def info(self) -> Mapping[str, object]:
        self.checks += 1
        if isinstance(self.version, Exception):
            raise self.version
        return {"aof_enabled": 1, "redis_version": self.version}

    def close(self) -> None:
        self.closed = True

    @property
    def connection_pool(self) -> SyncPool:
        return self

    def get_connection(self) -> SyncConnection:
        return self

    def release(self, connection: SyncConnection) -> None:
        """There is only one."""

    def disconnect(self, *, inuse_connections: bool = True) -> None:
        self.disconnects += inuse_connections
        self.closed = not inuse_connections


def test_call_is_one_command_by_digest() -> None:
    client = Client()
    assert SyncExecutor(client).run(CALL) == "answer"
    assert client.sent == [("EVALSHA", "sha", 1, b"key", "word")]


def test_server_that_was_inspected_is_not_checked_again() -> None:
    client = Client()
    executor = SyncExecutor(client, check=ServerCheck())
    executor.skip_check()
    executor.run(CALL)
    assert client.checks == 0


def test_unknown_script_is_sent_in_full() -> None:
    client = Client(NoScriptError())
    assert SyncExecutor(client).run(CALL) == "answer"
    assert client.sent[1] == ("EVAL", "text", 1, b"key", "word")


@pytest.mark.parametrize("error", [ResponseError("the password"), OSError("the password")])
def test_error_is_unavailable_without_its_text(error: Exception) -> None:
    with pytest.raises(Unavailable, match=rf"\({type(error).__name__}\)") as raised:
        SyncExecutor(Client(error)).run(CALL)
    assert "password" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_server_is_checked_once() -> None:
    client = Client()
    executor = SyncExecutor(client, check=ServerCheck())
    executor.run(CALL)
    executor.run(CALL)
    assert client.checks == 1


def test_server_is_not_checked_without_a_check() -> None:
    client = Client()
    SyncExecutor(client).run(CALL)
    assert client.checks == 0


def test_old_server_gets_no_call_until_it_is_newer() -> None:
    client = Client(info="6.0.16")
    executor = SyncExecutor(client, check=ServerCheck())
    with pytest.raises(ConfigurationError, match=r"redis://db:7/0 has version 6\.0\.16"):
        executor.run(CALL)
    with pytest.raises(Unavailable, match="too old"):
        executor.ask(SyncClient.info)
    assert (client.sent, client.checks) == ([], 2)
    client.version = "6.2.0"
    assert executor.run(CALL) == "answer"


@pytest.mark.parametrize(
    "error",
    [
        ResponseError(),
        NoPermissionError("this user has no permissions to run the 'info' command"),
        ResponseError("unknown command `INFO`"),
    ],
    ids=str,
)
def test_refused_info_is_a_warning(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert SyncExecutor(Client(info=error), check=ServerCheck()).run(CALL) == "answer"
    assert [each.levelno for each in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("error", [OSError(), ResponseError("BUSY a script runs")], ids=str)
def test_server_that_cannot_be_checked_now_is_asked_again(error: Exception) -> None:
    client = Client(info=error)
    executor = SyncExecutor(client, check=ServerCheck())
    for _ in "ab":
        with pytest.raises(Unavailable):
            executor.run(CALL)
    assert (client.sent, client.checks) == ([], 2)


def test_close_closes_what_is_free_and_its_own() -> None:
    client = Client()
    SyncExecutor(client).close()
    assert (client.closed, client.disconnects) == (True, 0)
    client = Client()
    client.auto_close_connection_pool = False
    SyncExecutor(client).close()
    assert not client.closed


REPLICA = [
    ReadOnlyError("You can't write against a read only replica."),
    MasterDownError("Link with MASTER is down."),
    ResponseError("UNBLOCKED force unblock from blocking operation, instance state changed"),
    ResponseError("ERR Error running script (call to f_0): @user_script:3: -READONLY You can't"),
    ResponseError("ERR connection to master lost"),
]


@pytest.mark.parametrize("error", REPLICA, ids=str)
def test_call_refused_by_a_replica_goes_over_a_new_connection(error: Exception) -> None:
    client = Client(error)
    assert SyncExecutor(client).run(CALL) == "answer"
    assert client.disconnects == 1
    assert client.sent == [CALL.evalsha()] * 2


def test_call_refused_twice_is_unavailable() -> None:
    client = Client(*REPLICA[:2])
    with pytest.raises(Unavailable, match="MASTERDOWN"):
        SyncExecutor(client).run(CALL)


def test_call_refused_for_lack_of_memory_is_not_repeated() -> None:
    client = Client(OutOfMemoryError("command not allowed when used memory > 'maxmemory'."))
    with pytest.raises(Unavailable, match="OOM"):
        SyncExecutor(client).run(CALL)
    assert (client.disconnects, len(client.sent)) == (0, 1)


class PackedClient(Client):
    """A client whose only connection takes packed calls."""

    released = 0

    def __init__(self, *errors: Exception) -> None:
        super().__init__(*errors)
        self.retry = Retry(NoBackoff(), 1, RECONNECTED_ERRORS)

    def execute_command(self, *words: Word) -> object:
        super().execute_command(*words)
        return b"done"

    def send_packed_command(self, command: Sequence[bytes]) -> None:
        self.sent.append(tuple(command))

    def read_response(self) -> object:
        if self.errors:
            raise self.errors.pop(0)
        return b"done"

    def release(self, connection: SyncConnection) -> None:
        assert connection is self
        self.released += 1


def packed_call() -> PackedCall:
    schema = KeySchema(b"fl:", 1000, 1000, 1000, 10)
    call: Any = PackedCalls(schema).encode(Finish(b"k" * 16, b"t" * 8, State.DONE, "m:bill"))
    assert isinstance(call, PackedCall)
    return call


def test_packed_call_is_one_command_over_a_connection() -> None:
    client, call = PackedClient(), packed_call()
    executor = SyncExecutor(client)
    assert executor.run_packed(call) is State.DONE
    assert (client.sent, client.released, client.disconnects) == ([(call.packed,)], 1, 0)
    assert executor.knows(call.script)


@pytest.mark.parametrize("number", [1, 2])
def test_packed_call_without_an_answer_is_sent_again_once(number: int) -> None:
    client, call = PackedClient(*[RedisConnectionError()] * number), packed_call()
    executor = SyncExecutor(client)
    if number == 1:
        assert executor.run_packed(call) is State.DONE
    else:
        with pytest.raises(Unavailable, match="ConnectionError"):
            executor.run_packed(call)
    assert client.sent == [(call.packed,)] * 2
    assert (client.released, client.disconnects) == (1, number)


def test_packed_call_of_an_unknown_script_is_sent_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "time", lambda: 1_790_000_000.25)
    client, call = PackedClient(NoScriptError(), NoScriptError()), packed_call()
    assert SyncExecutor(client).run_packed(call) is State.DONE
    assert client.sent[-1] == call.eval()


@pytest.mark.parametrize("error", REPLICA, ids=str)
def test_packed_call_refused_by_a_replica_is_sent_again(error: Exception) -> None:
    client = PackedClient(*[error] * 2)
    assert SyncExecutor(client).run_packed(packed_call()) is State.DONE
    assert client.disconnects > 0


def test_packed_call_refused_for_another_reason_is_unavailable() -> None:
    client = PackedClient(OutOfMemoryError("command not allowed when used memory > 'maxmemory'."))
    with pytest.raises(Unavailable, match="OOM"):
        SyncExecutor(client).run_packed(packed_call())
    assert (len(client.sent), client.released) == (1, 1)
