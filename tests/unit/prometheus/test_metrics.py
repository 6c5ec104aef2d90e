"""Metrics of deliveries and handlers, as a scrape shows them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from florentin_webhooks import DeadReport, MemoryStore, Receiver, RedisStore
from florentin_webhooks.core.queue import QueueFacts
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.prometheus import Metrics
from florentin_webhooks.prometheus.labels import BoundedLabel
from florentin_webhooks.rq import RQQueue
from florentin_webhooks.senders import HMACSender
from florentin_webhooks.testing import Provider
from tests.support.command_line import environment
from tests.support.handling import as_function, named, raises
from tests.support.sender_case import sign
from tests.support.shop import SECRET

DELIVERY = ("receiver", "sender", "event", "secret", "outcome")
ATTEMPT = ("receiver", "queue", "handler", "outcome")
AGE = timedelta(minutes=5)


class CountedQueue(RQQueue):
    """A queue with the facts of another one."""

    def measure(self, store: object, names: Sequence[str]) -> tuple[QueueFacts, ...]:
        del store, names
        oldest = datetime.now(UTC) - AGE
        return (QueueFacts("slow", 3, oldest, 2, 1, 4, 2, scheduler=True),)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SECRET, store=MemoryStore(), name="crm")


@pytest.fixture
def metrics(receiver: Receiver, registry: CollectorRegistry) -> Metrics:
    return Metrics(receiver, registry=registry)


def samples(metrics: Metrics) -> Iterator[tuple[str, dict[str, str], float]]:
    _, body = metrics.write()
    for family in text_string_to_metric_families(body.decode()):
        for each in family.samples:
            yield each.name.removeprefix("florentin_webhooks_"), each.labels, each.value


def values(metrics: Metrics, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Return the values of the samples called *name* by the values of *labels*."""
    found = [each for each in samples(metrics) if each[0] == name]
    return {tuple(each[label] for label in labels): value for _, each, value in found}


def test_deliveries_are_counted_by_outcome(receiver: Receiver, metrics: Metrics) -> None:
    provider = Provider(SECRET)
    receiver.on("invoice.created")(named("bill", as_function(lambda *_: None)))
    first = provider.make("invoice.created")
    for made in (first, first, provider.make("invoice.created"), provider.make("user.login")):
        receiver.receive(*made)
    receiver.receive(first.headers, first.body + b" ")
    names = ("crm", "Florentin", "invoice.created", "secret-1")
    assert values(metrics, "deliveries_total", *DELIVERY) == {
        (*names, "processed"): 2,
        (*names, "duplicate"): 1,
        ("crm", "Florentin", "user.login", "secret-1", "ignored"): 1,
        ("crm", "Florentin", "", "", "invalid-signature"): 1,
    }
    durations = values(metrics, "delivery_duration_seconds_count", "receiver", "outcome")
    assert durations["crm", "processed"] == 2
    sums = values(metrics, "delivery_duration_seconds_sum", "receiver", "outcome")
    assert 0 < sums["crm", "processed"] < 5


def test_attempts_are_counted_by_handler_and_outcome(receiver: Receiver, metrics: Metrics) -> None:
    for name, body in {"bill": lambda *_: None, "mail": raises(ValueError("ada"))}.items():
        receiver.on("invoice.created")(named(name, as_function(body)))
    receiver.receive(*Provider(SECRET).make("invoice.created"))
    counted = values(metrics, "attempt_duration_seconds_count", *ATTEMPT)
    module = as_function.__module__
    assert counted == {
        ("crm", "", f"{module}:bill", "done"): 1,
        ("crm", "", f"{module}:mail", "failed"): 1,
    }
    assert b"ada" not in metrics.write()[1]


def test_registry_takes_one_set_of_metrics(registry: CollectorRegistry) -> None:
    Metrics(registry=registry)
    with pytest.raises(ConfigurationError, match="Pass all receivers to one Metrics"):
        Metrics(registry=registry)


def test_items_of_a_list_share_a_series(registry: CollectorRegistry) -> None:
    sender = HMACSender(name="Mail", signature_header="X-Sig", items_field=".")
    hooks = Receiver(SECRET, sender=sender, store=MemoryStore(), name="mail")
    metrics = Metrics(hooks, registry=registry)

    hooks.on("open")(named("follow", as_function(lambda *_: None)))
    body = b'[{"type": "open"}, {"type": "open"}]'
    hooks.receive(sign(sender, SECRET, body), body)
    counted = values(metrics, "attempt_duration_seconds_count", *ATTEMPT)
    assert counted == {("mail", "", f"{as_function.__module__}:follow", "done"): 2}


def test_dead_deliveries_are_counted(metrics: Metrics) -> None:
    metrics.dead(DeadReport("crm", "Florentin", "user.login", "ab" * 16, "slow", 6, "x"))
    assert values(metrics, "dead_deliveries_total", "receiver", "queue") == {("crm", "slow"): 1}


def test_names_of_a_label_are_limited() -> None:
    label = BoundedLabel(2)
    assert [label.bound(each) for each in ("a", "b", "c", "a", "d")] == [
        *("a", "b", "other", "a", "other")
    ]


def test_names_that_a_sender_invents_share_a_series(receiver: Receiver, metrics: Metrics) -> None:
    provider = Provider(SECRET, check_names=False)
    for number in range(210):
        receiver.receive(*provider.make(f"made.up{number}"))
    counted = values(metrics, "deliveries_total", *DELIVERY)
    assert len(counted) == 201, counted
    assert counted["crm", "Florentin", "other", "secret-1", "ignored"] == 10


def queued() -> Receiver:
    """Return a receiver whose Redis does not answer."""
    store = RedisStore("redis://127.0.0.1:1/0")
    return Receiver(SECRET, store=store, queue=CountedQueue("slow"), name="crm")


def test_queues_are_measured_at_each_scrape(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisStore, "probe", lambda *_, **__: None)
    metrics = Metrics(queued(), registry=registry)
    assert values(metrics, "queue_jobs", "queue", "state") == {
        ("slow", "waiting"): 3,
        ("slow", "scheduled"): 2,
        ("slow", "running"): 1,
        ("slow", "dead"): 4,
    }
    assert 300 <= values(metrics, "queue_oldest_seconds", "queue")["slow",] < 330
    assert values(metrics, "queue_workers", "queue") == {("slow",): 2}
    assert values(metrics, "queue_scheduler_up", "queue") == {("slow",): 1}
    assert values(metrics, "store_up", "receiver") == {("crm",): 1}


def test_store_without_an_answer_is_down_without_queues(registry: CollectorRegistry) -> None:
    metrics = Metrics(queued(), registry=registry)
    assert values(metrics, "store_up", "receiver") == {("crm",): 0}
    assert values(metrics, "queue_jobs") == {}


def test_exposition_is_served_by_asgi_and_wsgi(metrics: Metrics) -> None:
    app = Starlette(routes=[Mount("/metrics", metrics.asgi)])
    with TestClient(app) as client:
        response = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
    started: list[object] = []
    (body,) = metrics.wsgi({}, lambda *words: started.append(words))
    assert started[0][0] == "200 OK"  # type: ignore[index]
    assert b'florentin_webhooks_store_up{receiver="crm"} 1.0' in body


def test_scope_other_than_http_is_left_alone(metrics: Metrics) -> None:
    asyncio.run(metrics.asgi({"type": "lifespan"}, None, None))  # type: ignore[arg-type]


PROCESSES = """
import os
from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.prometheus import Metrics
from florentin_webhooks.testing import Provider

hooks = Receiver("made-up-secret-of-the-metrics", store=MemoryStore(), name="crm")
metrics, provider = Metrics(hooks), Provider("made-up-secret-of-the-metrics")
hooks.receive(*provider.make("user.login"))
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
    print(metrics.write()[1].decode())
else:
    hooks.receive(*provider.make("user.login"))
    os._exit(0)
"""


def test_exposition_adds_up_the_processes_of_a_machine(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", PROCESSES],
        env={**environment(), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    families = {each.name: each for each in text_string_to_metric_families(shown)}
    (sample,) = families["florentin_webhooks_deliveries"].samples
    assert (sample.value, sample.labels["outcome"]) == (2, "ignored")
    assert families["florentin_webhooks_store_up"].samples[0].value == 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/openmetrics-text; version=1.0.0; q=0.5, text/plain", "openmetrics-text"),
        ("application/openmetrics-text;version=newest,text/plain;version=0.0.4", "text/plain"),
        ("application/openmetrics-text; VERSION = 1.0 , */*", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_media_range_with_an_invalid_version_is_ignored(accept: str, expected: str) -> None:
    metrics = Metrics(Receiver(SECRET), registry=CollectorRegistry())
    assert expected in metrics.write(accept)[0]


def test_websocket_is_closed(metrics: Metrics) -> None:
    async def send(message: Any) -> None:
        sent.append(message["type"])

    sent: list[str] = []
    serve: Any = metrics.asgi
    asyncio.run(serve({"type": "websocket"}, None, send))
    assert sent == ["websocket.close"]
