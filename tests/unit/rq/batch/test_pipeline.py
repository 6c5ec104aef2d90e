"""Answers that are read later belong to the calls that were sent, also after an error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from florentin_webhooks.redis.executors.replicas import PATIENCE, TooFewReplicasError, wait_words
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.schema import Script, ScriptCall
from florentin_webhooks.rq.batch import pipeline as pipeline_module
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
        self.works = frozenset[str]()

    def get_connection(self) -> Connection:
        return Connection(self.answers, self.written)

    def release(self, _: Connection) -> None:
        self.released += 1

    def disconnect(self, *, inuse_connections: bool) -> None:
        self.executed.append(f"in use: {inuse_connections}")

    def execute_command(self, *words: object) -> object:
        self.executed.append(words[3])
        if words[3] in self.works:
            return words[3]
        message = f"{words[3]} was refused"
        raise ResponseError(message)


def call(name: str) -> ScriptCall:
    return ScriptCall(Script("text", "sha"), (name,), (), cast("Any", lambda answer: answer))


def raiser(error: Exception) -> Callable[..., object]:
    def fail(*_: object) -> object:
        raise error

    return fail


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
    client.works = frozenset({"b"})
    pipeline = ScriptPipeline(cast("Any", client))
    for name in ("a", "b"):
        pipeline.send(lambda name=name: call(name), b"")  # type: ignore[misc]  # a default.
    with pytest.raises(ResponseError, match="a was refused"):
        pipeline.receive()
    assert client.executed == ["a", "b"]
    client.answers.append(b"+its own\r\n")
    assert pipeline.run(call("c")) == b"its own"


@pytest.mark.parametrize("error", [RedisConnectionError, OSError])
def test_calls_without_a_server_are_forgotten(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(*words: object) -> object:
        if words[3] == "a":
            return "a"
        raise error

    client = Client(b"")
    monkeypatch.setattr(client, "execute_command", execute)
    pipeline = ScriptPipeline(cast("Any", client))
    for name in ("a", "b"):
        pipeline.send(lambda name=name: call(name), b"")  # type: ignore[misc]  # a default.
    with pytest.raises(error):
        pipeline.receive()
    client.answers.append(b"+its own\r\n")
    assert pipeline.run(call("c")) == b"its own"


@pytest.mark.parametrize(("is_record", "patience"), [(False, 2.0), (True, PATIENCE)])
def test_call_without_its_replicas_is_undone(
    is_record: bool, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send_once(send: Callable[[], object], seconds: float) -> object:
        assert seconds == patience
        return send()

    monkeypatch.setattr(pipeline_module, "run_confirmed", raiser(TooFewReplicasError("a", 0, 1)))
    monkeypatch.setattr(pipeline_module, "repeat", send_once)
    client = Client(b"")
    claim = call("claim")._replace(replicas=1, is_record=is_record, undo=lambda _: call("undo"))
    with pytest.raises(TooFewReplicasError):
        ScriptPipeline(cast("Any", client)).run(claim)
    assert client.executed == ["undo", "in use: False"]  # The next one asks for the primary.


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ReadOnlyError("a replica"), RedisConnectionError), (ResponseError("a bug"), ResponseError)],
)
def test_refusal_of_a_confirmed_call_is_a_lost_connection(
    error: Exception, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "run_confirmed", raiser(error))
    monkeypatch.setattr(pipeline_module, "repeat", lambda send, _: send())
    with pytest.raises(raised) as found:
        ScriptPipeline(cast("Any", Client(b""))).run(call("a")._replace(replicas=1))
    assert found.type is raised


def test_interrupted_calls_come_before_the_next_one() -> None:
    client = Client()
    client.answers.append(cast("Any", KeyboardInterrupt))
    pipeline = ScriptPipeline(cast("Any", client))
    pipeline.send(lambda: call("first"), b"")
    with pytest.raises(KeyboardInterrupt):
        pipeline.receive()
    with pytest.raises(ResponseError, match="first was refused"):
        pipeline.send(lambda: call("second"), b"")


@pytest.mark.parametrize("socket", [True, False])
def test_calls_without_an_answer_are_executed_again(socket: bool) -> None:
    client = Client(b"", b"+late\r\n")
    pipeline = ScriptPipeline(cast("Any", client))
    pipeline.send(lambda: call("closed"), b"")
    if not socket:
        pipeline._connection._sock = None  # Closed by another thread.
    with pytest.raises(ResponseError, match="refused"):
        pipeline.receive()
    assert (client.released, list(client.answers)) == (1, [])


def test_call_that_was_forgotten_has_lost_its_connection() -> None:
    client = Client()
    client.execute_command = raiser(RedisConnectionError("away"))  # type: ignore[method-assign]
    pipeline = ScriptPipeline(cast("Any", client))
    pipeline.send(lambda: call("one"), b"one")
    with pytest.raises(RedisConnectionError, match="away"):
        pipeline._repeat()
    with pytest.raises(RedisConnectionError, match="forgotten"):
        pipeline.receive()
