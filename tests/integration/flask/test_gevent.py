"""Deliveries under gunicorn's gevent worker, where greenlets share one system thread."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from florentin_webhooks.testing import Provider
from florentin_webhooks.testing.transport import post
from tests.support.http import Connection
from tests.support.server import served
from tests.support.vectors import SECRET

PROVIDER = Provider(SECRET)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    log: Path = tmp_path_factory.mktemp("gevent") / "log"
    with served("gunicorn gevent", "tests.support.green_shop:app", log) as port:
        yield port


def send(port: int, event: str) -> tuple[int, str]:
    made = PROVIDER.make(event)
    answer = post(f"http://127.0.0.1:{port}/webhooks/florentin", made.headers, made.body)
    return answer.status, answer.outcome


@pytest.mark.parametrize("event", ["invoice.created", "user.login"])
def test_simultaneous_deliveries_are_processed_beside_another_loop(port: int, event: str) -> None:
    with Connection(port) as elsewhere, ThreadPoolExecutor(8) as pool:
        elsewhere.send(b"GET /loop HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = list(pool.map(lambda _: send(port, event), range(8)))
        ended = elsewhere.answer()
    assert answers == [(200, "processed")] * 8
    assert ended is not None
    assert ended.status == 200
