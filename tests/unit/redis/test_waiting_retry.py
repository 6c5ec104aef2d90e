"""How long a worker waits for a server that refuses commands."""

from __future__ import annotations

import os
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.exceptions import AuthenticationError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.redis import waiting_retry
from florentin_webhooks.redis.failures import Failure, NoPrimaryError
from florentin_webhooks.redis.waiting_retry import WaitingRetry


def wait(retry: WaitingRetry, answers: list[object]) -> object:
    def do() -> object:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    return cast("Any", retry).call_with_retry(do, lambda *_: None)


def test_refused_command_is_sent_until_it_is_accepted() -> None:
    refused = ReadOnlyError("READONLY You can't write against a read only replica.")
    assert wait(WaitingRetry("redis://one", 0), [refused, "done"]) == "done"


def test_wait_of_a_lane_ends_for_the_others() -> None:
    refused = ReadOnlyError("READONLY You can't write against a read only replica.")
    with pytest.raises(ReadOnlyError):
        wait(WaitingRetry("redis://one", 0, longest=0), [refused, "done"])


AWAY = RedisConnectionError("Error 111 connecting to localhost:6379. Connection refused.")


ENDED_TLS = RedisConnectionError(
    "Error 8 connecting to localhost:6379. [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred."
)


@pytest.mark.parametrize("error", [AWAY, ENDED_TLS, NoPrimaryError.of(Failure.SERVICE)])
def test_server_that_is_away_is_waited_for(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert wait(WaitingRetry("redis://one", 0), [error, "done"]) == "done"
    assert "Redis at redis://one is away, and the worker waits" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("invalid password"),
        RedisConnectionError("Connection closed by server."),
        RedisConnectionError("Error 1 connecting to localhost:6379. [SSL] bad certificate."),
        NoPrimaryError.of(Failure.SENTINEL_PASSWORD),
    ],
)
def test_other_failure_of_a_connection_ends_the_wait(error: Exception) -> None:
    with pytest.raises(type(error)):
        wait(WaitingRetry("redis://one", 0), [error, "done"])


def test_worker_that_shall_end_does_not_wait_for_a_server() -> None:
    retry = WaitingRetry("redis://one", 0)
    retry.outlasts = False
    with pytest.raises(RedisConnectionError):
        wait(retry, [AWAY, "done"])


@pytest.mark.parametrize(("name", "is_kept"), [("Scheduler", False), ("MainProcess", True)])
def test_scheduler_of_a_killed_worker_waits_for_no_server(
    name: str, monkeypatch: pytest.MonkeyPatch, *, is_kept: bool
) -> None:
    monkeypatch.setattr(waiting_retry, "current_process", lambda: SimpleNamespace(name=name))
    monkeypatch.setattr(waiting_retry, "parent_process", lambda: SimpleNamespace(pid=os.getpid()))
    with nullcontext() if is_kept else pytest.raises(RedisConnectionError):
        assert wait(WaitingRetry("redis://one", 0), [AWAY, "done"]) == "done"


SILENT = RedisTimeoutError("Timeout reading from socket")


def test_server_that_hangs_is_reported_while_a_command_is_repeated(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting_retry, "_LONG", 0)
    assert wait(WaitingRetry("redis://one"), [SILENT, SILENT, "done"]) == "done"
    assert caplog.text.count("is away, and the worker waits") == 1


@pytest.mark.parametrize("error", [AWAY, SILENT])
def test_worker_that_shall_end_waits_for_a_restart(error: RedisError) -> None:
    retry = WaitingRetry("redis://one")
    retry.hurry()
    assert wait(retry, [error, error, "done"]) == "done"


@pytest.mark.parametrize(("error", "retries"), [(AWAY, 0), (SILENT, 3)])
def test_worker_that_shall_end_waits_once(
    error: RedisError, retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry = WaitingRetry("redis://one", retries)
    retry.hurry()
    monkeypatch.setattr(waiting_retry, "_LAST_WAIT", 0)
    answers: list[object] = [error, error, "done"]
    for left in (2, 1):
        with pytest.raises(type(error)):
            wait(retry, answers)
        assert len(answers) == left
        monkeypatch.setattr(waiting_retry, "_LAST_WAIT", 20)


def test_impatient_worker_asks_a_silent_server_once() -> None:
    retry = WaitingRetry("redis://one", longest=3)
    retry.is_impatient = True
    with pytest.raises(RedisTimeoutError):
        wait(retry, [SILENT, "done"])
    retry.is_impatient = False
    assert wait(retry, [SILENT, "done"]) == "done"


def test_worker_that_shall_end_opens_a_lost_connection_again() -> None:
    retry = WaitingRetry("redis://one")
    retry.hurry()
    assert wait(retry, [RedisConnectionError("Connection closed by server."), "done"]) == "done"


def test_ended_retry_repeats_nothing() -> None:
    retry = WaitingRetry("redis://one")
    retry.end()
    with pytest.raises(RedisConnectionError):
        wait(retry, [AWAY, "done"])


def test_one_of_two_waits_warns(caplog: pytest.LogCaptureFixture) -> None:
    retry = WaitingRetry("redis://one", 0)
    assert wait(retry, [AWAY, "done"]) == wait(retry, [AWAY, "done"]) == "done"
    assert len(caplog.messages) == 2
    assert "away" in caplog.messages[0]
    assert "again" in caplog.messages[1]


def test_scheduler_leaves_the_warning_to_its_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting_retry, "current_process", lambda: SimpleNamespace(name="Scheduler"))
    monkeypatch.setattr(waiting_retry, "parent_process", lambda: SimpleNamespace(pid=os.getppid()))
    assert wait(WaitingRetry("redis://one", 0), [AWAY, "done"]) == "done"
    assert not caplog.messages
