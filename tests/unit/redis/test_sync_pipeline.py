"""Records of a blocking program whose server is lost between the writing and the reading."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.executors.sync_pipeline import SyncAnswer, SyncPipeline
from florentin_webhooks.redis.schema import Script, ScriptCall

CALL = ScriptCall(Script("return 1", "sha"), (), (), str)


class LostServer:
    """An executor, a pool and its connection, which is lost once commands are written."""

    def __init__(self) -> None:
        self.is_connected = True

    def run(self, _: ScriptCall) -> object:
        message = "Redis is away."
        raise Unavailable(message)

    def knows(self, _: Script) -> bool:
        return True

    def get_connection(self) -> Any:
        return self

    def send_command(self, *_: object, check_health: bool) -> None:
        assert not check_health

    def read_response(self) -> object:
        raise RedisConnectionError

    def disconnect(self) -> None:
        self.is_connected = False

    def release(self, _: object) -> None: ...


async def read(answer: SyncAnswer) -> object:
    return await answer


def test_answer_of_a_lost_server_is_never_a_state() -> None:
    server: Any = LostServer()
    pipeline = SyncPipeline(server, server)
    answers = [pipeline.send(CALL) for _ in "abc"]
    for answer in answers:
        with pytest.raises(Unavailable):
            run_sync(read(answer))
    assert not server.is_connected


def test_answer_after_the_end_of_the_pipeline_is_unavailable() -> None:
    server: Any = LostServer()
    pipeline = SyncPipeline(server, server)
    answer = pipeline.send(CALL)
    pipeline.close()
    with pytest.raises(Unavailable):
        run_sync(read(answer))
