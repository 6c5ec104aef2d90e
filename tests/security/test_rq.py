"""Who can write to Redis can have a worker do nothing but our one function, and learns nothing."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from florentin_webhooks import RetryLater
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.rq import PROCESS
from florentin_webhooks.rq.safe_queue import SafeJob
from tests.support.receivers import everything_in
from tests.support.workshop import Workshop, open_workshop

PRIVATE = "ada@adabooks.example"


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(5,)) as opened:
        yield opened


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is there once foreign code has run."""
    return tmp_path / "executed"


class Payload:
    """What a thief would like to have unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def forge(shop: Workshop, data: bytes, **fields: str | bytes) -> str:
    """Push a job as an attacker with write access to Redis."""
    shop.does("bill")
    fingerprint = shop.accept()
    job_id = shop.job_id(fingerprint)
    fields_of_job: Any = {"data": data, **fields}
    shop.client.hset(f"rq:job:{job_id}", mapping=fields_of_job)
    return fingerprint


@pytest.mark.answers("RQ-02")
def test_job_with_another_function_is_refused_and_logged_as_critical(
    shop: Workshop, mark: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fingerprint = forge(shop, json.dumps(["os.mkdir", None, [str(mark)], {}]).encode())
    shop.work_it_off()
    assert not mark.exists()
    refused = [each.getMessage() for each in caplog.records if each.levelno == logging.CRITICAL]
    job_id = shop.job_id(fingerprint)
    assert refused == [f"Refused job {job_id}: it names another function."] * 2
    assert shop.ran == []


@pytest.mark.parametrize(
    "named",
    [
        ["os.system", None, ["true"], {}],
        ["florentin_webhooks.rq.RQQueue", None, [], {}],
        [PROCESS, "an instance", ["x:y", "0" * 32, "q"], {}],
        ["__class__", {"a": 1}, [], {}],
        [None, None, [], {}],
    ],
)
def test_jobs_can_name_only_one_function(redis_url: str, named: list[object]) -> None:
    with redis.Redis.from_url(redis_url) as client:
        job: Any = cast("Any", SafeJob)("x", connection=client, serializer="json")
        job.data = json.dumps(named).encode()
        with pytest.raises(PermissionError, match="another function"):
            _ = job.func


@pytest.mark.answers("RQ-01")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_job_fails_without_unpickling(shop: Workshop, mark: Path, protocol: int) -> None:
    forge(shop, zlib.compress(pickle.dumps(Payload(mark), protocol)))
    shop.work_it_off()
    assert not mark.exists()
    assert shop.ran == []


def test_other_fields_of_a_job_are_not_unpickled(shop: Workshop, mark: Path) -> None:
    pickled = pickle.dumps(Payload(mark))
    shop.does("bill", RetryLater(1), ValueError())
    fingerprint = shop.accept()
    job_id = shop.job_id(fingerprint)
    key = f"rq:job:{job_id}"
    shop.client.hset(key, mapping={"meta": pickled, "result": pickled})
    encoded = base64.b64encode(pickled).decode()
    shop.client.xadd(f"rq:results:{job_id}", {"type": "1", "return_value": encoded})
    shop.work_it_off()
    assert not mark.exists()
    assert shop.record(fingerprint).state is State.DONE


@pytest.mark.answers("RQ-01")
def test_maintenance_unpickles_nothing(shop: Workshop, redis_url: str, mark: Path) -> None:
    pickled = pickle.dumps(Payload(mark))
    queue = shop.rq()
    registries = (
        queue.finished_job_registry,
        queue.failed_job_registry,
        queue.deferred_job_registry,
        queue.scheduled_job_registry,
    )
    hash_: dict[Any, Any] = {
        "meta": pickled,
        "result": pickled,
        "data": zlib.compress(pickled),
        "origin": queue.name,
    }
    hash_ |= {"created_at": "2026-06-06T12:00:00.000000Z", "status": "started", "retries_left": "1"}
    for name in ("a", "b"):
        shop.client.hset(f"rq:job:{name}", mapping={**hash_, "group_id": "g"})
        for registry in registries:
            shop.client.zadd(registry.key, {name: 1})
        shop.client.zadd(queue.started_job_registry.key, {f"{name}:1": 1})
        shop.client.rpush(queue.intermediate_queue_key, name)
        shop.client.sadd("rq:group:g", name)
    shop.client.sadd("rq:groups", "g")
    with redis.Redis.from_url(redis_url) as client:
        shop.worker(client).run_maintenance_tasks()
    shop.work()
    assert not mark.exists()


@pytest.mark.answers("RQ-02")
def test_callbacks_named_in_a_job_are_not_called(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []
    shop.module.spy = lambda *given: called.append(given)  # type: ignore[attr-defined]  # a module is open.
    monkeypatch.setattr("rq.webhook.Webhook.send", lambda *given, **_: called.append(given))
    shop.does("bill", ValueError())
    fingerprint = shop.accept()
    spy = f"{shop.module.__name__}.spy"
    webhooks = [
        {"url": "http://127.0.0.1:9/", "job_status": status} for status in ("finished", "failed")
    ]
    shop.client.hset(
        f"rq:job:{shop.job_id(fingerprint)}",
        mapping={
            "success_callback_name": spy,
            "failure_callback_name": spy,
            "stopped_callback_name": spy,
            "webhooks": json.dumps(webhooks),
        },
    )
    shop.work_it_off()
    assert shop.ran == ["bill", "bill"]
    assert called == []


def failing(shop: Workshop) -> str:
    @shop.handles("bill", InvoiceCreated)
    def bill(event: InvoiceCreated) -> None:
        try:
            os.environ[f"{PRIVATE} inner"]
        except KeyError as error:
            raise ValueError(f"{PRIVATE}\n{event!r}") from error

    return shop.accept()


def results(shop: Workshop, fingerprint: str) -> str:
    """What RQ says of the job's failure, unpacked."""
    stream: Any = shop.client.xrange(f"rq:results:{shop.job_id(fingerprint)}")
    packed = [entry[b"exc_string"] for _, entry in stream if b"exc_string" in entry]
    assert packed
    return "\n".join(zlib.decompress(base64.b64decode(each)).decode() for each in packed)


@pytest.mark.answers("RQ-04")
def test_only_the_type_of_an_exception_reaches_rq(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fingerprint = failing(shop)
    shop.work_it_off()
    reported = results(shop, fingerprint)
    assert f"JobFailed: {shop.named('bill')}: ValueError\n" in reported
    for text in (reported, everything_in(caplog), repr(shop.job(fingerprint))):
        for private in (PRIVATE, "inv_1", "F-0001"):
            assert private not in text
    assert "KeyError" not in reported  # The log has its type, and nothing else.


def test_exception_text_reaches_rq_with_error_text(redis_url: str, redis_prefix: str) -> None:
    with open_workshop(redis_url, redis_prefix, retries=(5,), error_text=True) as shop:
        fingerprint = failing(shop)
        shop.work_it_off()
        reported = results(shop, fingerprint)
        assert f"{shop.named('bill')}: ValueError: {PRIVATE}" in reported
        assert "inner" not in reported
        assert PRIVATE not in repr(shop.record(fingerprint))


@pytest.mark.parametrize(
    ("where", "batch"), [("job.process_job", 1), ("batch.runner.process_claimed_job", 8)]
)
def test_only_the_type_of_our_own_errors_reaches_rq(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, where: str, batch: int
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()

    def broken(*_: object, **__: object) -> None:
        raise ValueError(PRIVATE)

    monkeypatch.setattr(f"florentin_webhooks.rq.{where}", broken)
    monkeypatch.setattr("florentin_webhooks.rq.job.process_job", broken)  # It is retried alone.
    shop.work_it_off(batch=batch)
    reported = results(shop, fingerprint)
    assert "JobFailed: ValueError" in reported
    assert PRIVATE not in reported
