"""Answers that are read later belong to the calls that were sent, also after an error."""

from __future__ import annotations

from collections import deque
from typing import Any, cast

import pytest
from redis.exceptions import ResponseError

from florentin_webhooks.redis.executors.replicas import wait_words
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.schema import Script, ScriptCall
from florentin_webhooks.rq.batch.pipeline import ScriptPipeline


class Connection:
    """A connection, and its socket, to a server that sends *answers* in pieces."""

    def __init__(self, answers: deque[bytes], written: list[bytes]) -> None:
        self._answers, self._written = answers, written
        self._sock = self

    def send_packed_command(self, words: list[bytes], *, check_health: bool) -> None:
        assert check_health is False
        self._written += words

    def recv(self, _: int) -> bytes:
        answer: Any = self._answers.popleft()
        if answer is KeyboardInterrupt:
            raise answer
        return cast("bytes", answer)

    def disconnect(self) -> None:
        self._answers.clear()


class Client:
    """A client, and the pool of its connections."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = deque(answers)
        self.connection_pool = self
        self.executed, self.written = list[object](), list[bytes]()
        self.released = 0

    def get_connection(self) -> Connection:
        return Connection(self.answers, self.written)

    def release(self, _: Connection) -> None:
        self.released += 1

    def execute_command(self, *words: object) -> object:
        self.executed.append(words[3])
        message = f"{words[3]} was refused"
        raise ResponseError(message)


def call(name: str) -> ScriptCall:
    return ScriptCall(Script("text", "sha"), (name,), (), cast("Any", lambda answer: answer))


def test_answers_are_read_in_the_order_of_sending() -> None:
    pipeline = ScriptPipeline(cast("Any", Client(b"$5\r\nfi", b"rst\r\n:2\r\n")))
    for name in ("a", "b"):
        pipeline.send(lambda name=name: call(name), b"")  # type: ignore[misc]  # a default.
    assert [pipeline.receive(), pipeline.receive()] == [b"first", 2]


@pytest.mark.parametrize("unread", [False, True])
def test_connection_is_returned_without_an_unread_answer(unread: bool) -> None:
    client = Client(b"+first\r\n", b"+second\r\n")
    with ScriptPipeline(cast("Any", client)) as pipeline:
        for name in ("a", "b")[: 1 + unread]:
            pipeline.send(lambda name=name: call(name), b"")  # type: ignore[misc]  # a default.
        assert pipeline.receive() == b"first"
    assert client.released == 1
    assert bool(client.answers) is not unread  # Dropped with the connection.


@pytest.mark.parametrize("found", [1, 2])
def test_call_counts_once_enough_replicas_have_it(found: int) -> None:
    client = Client(b"+its own\r\n:%d\r\n" % found, b"+next\r\n")
    pipeline = ScriptPipeline(cast("Any", client))
    assert pipeline.run(call("a")._replace(replicas=1)) == b"its own"
    assert client.written[0].endswith(encode_command(wait_words(1, None)))
    assert pipeline.run(call("b")) == b"next"


def test_call_that_too_few_replicas_have_is_executed_again() -> None:
    client = Client(b"+its own\r\n:1\r\n")
    pipeline = ScriptPipeline(cast("Any", client))
    pipeline.send(lambda: call("a"), b"", replicas=2)
    with pytest.raises(ResponseError, match="a was refused"):
        pipeline.receive()


def test_question_beside_a_call_has_its_own_answer() -> None:
    pipeline = ScriptPipeline(cast("Any", Client(b"+its own\r\n*1\r\n:1\r\n", b"+next\r\n")))
    assert pipeline.run_and_ask(call("a"), ("SCRIPT", "EXISTS", "sha")) == (b"its own", [1])
    assert pipeline.run(call("b")) == b"next"


def test_question_of_a_lost_connection_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(b"")  # The server has closed it.
    monkeypatch.setattr(client, "execute_command", lambda *words: words[3])
    pipeline = ScriptPipeline(cast("Any", client))
    assert pipeline.run_and_ask(call("a"), ("PING",)) == ("a", None)
    client.answers.append(b"+next\r\n")
    assert pipeline.run(call("b")) == b"next"


def test_answer_after_an_error_is_that_of_the_next_call() -> None:
    client = Client(b"-NOPERM refused\r\n+unread\r\n")
    pipeline = ScriptPipeline(cast("Any", client))
    with pytest.raises(ResponseError):
        pipeline.run(call("refused"))
    client.answers.append(b"+its own\r\n")
    assert pipeline.run(call("next")) == b"its own"


def test_error_is_raised_after_the_answers_before_it() -> None:
    pipeline = ScriptPipeline(cast("Any", Client(b"+first\r\n-NOPERM refused\r\n")))
    for name in ("a", "b"):
        pipeline.send(lambda name=name: call(name), b"")  # type: ignore[misc]  # a default.
    assert pipeline.receive() == b"first"
    with pytest.raises(ResponseError, match="refused"):
        pipeline.receive()


def test_refused_call_keeps_none_after_it_from_running() -> None:
    client = Client(b"")
    pipeline = ScriptPipeline(cast("Any", client))
    for name in ("a", "b"):
        pipeline.send(lambda name=name: call(name), b"")  # type: ignore[misc]  # a default.
    with pytest.raises(ResponseError, match="a was refused"):
        pipeline.receive()
    assert client.executed == ["a", "b"]


def test_interrupted_calls_come_before_the_next_one() -> None:
    client = Client()
    client.answers.append(cast("Any", KeyboardInterrupt))
    pipeline = ScriptPipeline(cast("Any", client))
    pipeline.send(lambda: call("first"), b"")
    with pytest.raises(KeyboardInterrupt):
        pipeline.receive()
    with pytest.raises(ResponseError, match="first was refused"):
        pipeline.send(lambda: call("second"), b"")


def test_calls_without_an_answer_are_executed_again() -> None:
    pipeline = ScriptPipeline(cast("Any", Client(b"")))
    with pytest.raises(ResponseError, match="refused"):
        pipeline.run(call("closed"))
