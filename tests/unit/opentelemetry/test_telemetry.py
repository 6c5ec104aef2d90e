"""Traces from the request into handlers, and metrics, by OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from florentin_webhooks import DeadReport, MemoryStore, Receiver
from florentin_webhooks.core.observer import JobStart, Span
from florentin_webhooks.core.routing.dispatch import DispatchPlan
from florentin_webhooks.opentelemetry import Telemetry
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.redis.codec.message_pack import unpack_texts
from florentin_webhooks.rq import RQQueue
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.handling import Receive, as_function, both_ways, named, raises
from tests.support.sender_case import SenderCase
from tests.support.senders import CASES
from tests.support.shop import SECRET

PERSONAL = "ada@adabooks.example"


class Collected:
    """What a program has exported."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])

    def observe(self, *receivers: Receiver) -> Telemetry:
        return Telemetry(*receivers, tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self, name: str) -> list[Any]:  # Any: points of every kind.
        data = self.reader.get_metrics_data()
        scopes = (s for r in data.resource_metrics for s in r.scope_metrics) if data else ()
        found = (metric for scope in scopes for metric in scope.metrics if metric.name == name)
        return [point for metric in found for point in metric.data.data_points]


@pytest.fixture
def collected() -> Iterator[Collected]:
    collected = Collected()
    yield collected
    collected.tracers.shutdown()
    collected.meters.shutdown()


@pytest.fixture
def receiver(collected: Collected) -> Receiver:
    receiver = Receiver(SECRET, store=MemoryStore(), name="crm")
    collected.observe(receiver)
    return receiver


@pytest.fixture
def made() -> SignedDelivery:
    return Provider(SECRET).make("invoice.created", invoice={"id": PERSONAL})


@both_ways
def test_handler_is_within_the_span_of_its_request(
    collected: Collected, receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    inside: list[object] = []
    body = as_function(lambda *_: inside.append(get_current_span().get_span_context()))
    receiver.on("invoice.created")(named("bill", body))
    with collected.tracers.get_tracer("web").start_as_current_span("POST /webhooks"):
        receive(receiver, made)
    web, request = collected.spans["POST /webhooks"], collected.spans["receive Florentin"]
    attempt = collected.spans["handle tests.support.handling:bill"]
    assert request.parent == web.get_span_context()
    assert attempt.parent == request.get_span_context()
    assert inside == [attempt.get_span_context()]
    assert request.kind is SpanKind.CONSUMER
    assert request.attributes == {
        "messaging.system": "florentin_webhooks",
        "messaging.operation.name": "receive",
        "messaging.operation.type": "receive",
        "messaging.destination.name": "Florentin",
        "messaging.message.id": receiver.verify(*made)[0].fingerprint,
        "florentin_webhooks.receiver": "crm",
        "florentin_webhooks.event": "invoice.created",
        "florentin_webhooks.outcome": "processed",
    }
    assert request.status.status_code is StatusCode.UNSET


def test_failed_handler_has_the_type_of_its_error_only(
    collected: Collected, receiver: Receiver, made: SignedDelivery
) -> None:
    receiver.on("invoice.created")(named("bill", as_function(raises(ValueError(PERSONAL)))))
    receiver.receive(*made)
    attempt = collected.spans["handle tests.support.handling:bill"]
    assert attempt.status.status_code is StatusCode.ERROR
    assert (attempt.attributes or {})["error.type"] == "ValueError"
    request = collected.spans["receive Florentin"]
    assert (request.attributes or {})["error.type"] == "handler-failed"
    shown = "".join(span.to_json() for span in collected.spans.values())
    for hidden in (PERSONAL, SECRET, made.headers["X-Florentin-Signature"]):
        assert hidden not in shown


@pytest.mark.one_process
@pytest.mark.parametrize("case", CASES, ids=str)
def test_traced_delivery_of_each_sender_is_genuine(case: SenderCase, collected: Collected) -> None:
    receiver: Receiver[Any] = case.receiver(store=MemoryStore())
    request = case.make()
    collected.observe(receiver)
    reply = receiver.receive(*request)
    assert reply.outcome is Outcome.IGNORED
    assert f"receive {case.sender.name}" in collected.spans


def test_refused_request_has_a_span_without_an_event(
    collected: Collected, receiver: Receiver, made: SignedDelivery
) -> None:
    receiver.receive(made.headers, made.body + b" ")
    attributes = collected.spans["receive Florentin"].attributes or {}
    assert attributes["florentin_webhooks.outcome"] == "invalid-signature"
    assert "florentin_webhooks.event" not in attributes


def test_job_belongs_to_the_trace_of_its_request(collected: Collected) -> None:
    telemetry = collected.observe()
    with collected.tracers.get_tracer("web").start_as_current_span("request") as request:
        carried = telemetry.carry()
    telemetry.begin_job(JobStart("crm", "slow", "ab" * 16, 1, carried)).end("done")
    job = collected.spans["process slow"]
    assert job.parent is not None
    assert job.parent.span_id == request.get_span_context().span_id
    assert job.context is not None
    assert job.context.trace_id == request.get_span_context().trace_id
    assert (job.kind, list(job.links)) == (SpanKind.CONSUMER, [])
    assert (job.attributes or {})["florentin_webhooks.attempt"] == 1


@pytest.mark.parametrize("carried", ["", "{}", '{"traceparent": "00-x"}', "no JSON", "[1]", "7"])
def test_job_without_a_trace_begins_one(collected: Collected, carried: str) -> None:
    telemetry = collected.observe()
    telemetry.begin_job(JobStart("crm", "slow", "ab" * 16, 1, carried)).end("done")
    assert collected.spans["process slow"].parent is None


def test_retry_has_a_link_to_the_first_attempt(collected: Collected) -> None:
    telemetry = collected.observe()
    carried, begun = "", list[Span]()
    for number in (1, 2, 3):
        span = telemetry.begin_job(JobStart("crm", "slow", "ab" * 16, number, carried))
        span.end("queued", "ValueError")
        carried = span.trace
        begun.append(span)
    first, *retries = collected.exporter.get_finished_spans()
    assert (list(first.links), len(retries)) == ([], 2)
    for retry in retries:
        (link,) = retry.links
        assert link.context.span_id == first.get_span_context().span_id  # type: ignore[union-attr]


def test_queue_carries_the_trace_in_its_jobs(collected: Collected) -> None:
    telemetry, queue = collected.observe(), RQQueue("slow")
    plan = DispatchPlan(queued=(("slow", ("h",)),), queue=queue, receiver="shop:hooks")
    (plain,) = plan.jobs("ab" * 16)
    with collected.tracers.get_tracer("web").start_as_current_span("request"):
        queued = DispatchPlan(
            queued=plan.queued, queue=queue, receiver="shop:hooks", carry=telemetry.carry
        )
        (traced,) = queued.jobs("ab" * 16)
    *_, name, carried = unpack_texts(traced.words)
    assert (name, carried[:19]) == ("meta", '{"traceparent": "00')
    assert "meta" not in unpack_texts(plain.words)
    assert "meta" not in unpack_texts(queued.jobs("ab" * 16)[0].words)  # Without a current trace.


def test_deliveries_and_attempts_are_measured(
    collected: Collected, receiver: Receiver, made: SignedDelivery
) -> None:
    receiver.on("invoice.created")(named("bill", as_function(lambda *_: None)))
    receiver.receive(*made)
    receiver.reject(Outcome.METHOD_NOT_ALLOWED, "GET")
    (delivery,) = collected.points("florentin_webhooks.delivery.duration")
    assert (delivery.count, delivery.attributes["florentin_webhooks.outcome"]) == (1, "processed")
    (attempt,) = collected.points("messaging.process.duration")
    assert attempt.attributes["messaging.operation.name"] == "process"
    assert attempt.attributes["florentin_webhooks.handler"] == "tests.support.handling:bill"
    (refusal,) = collected.points("florentin_webhooks.refusals")
    assert refusal.attributes["florentin_webhooks.outcome"] == "method-not-allowed"


def test_dead_deliveries_are_counted(collected: Collected) -> None:
    collected.observe().dead(DeadReport("crm", "Florentin", "e", "ab" * 16, "slow", 6, "x"))
    (point,) = collected.points("florentin_webhooks.dead_deliveries")
    assert point.value == 1


def test_telemetry_without_the_sdk_changes_nothing(made: SignedDelivery) -> None:
    receiver = Receiver(SECRET, store=MemoryStore())
    telemetry = Telemetry(receiver)
    assert receiver.receive(*made).outcome is Outcome.IGNORED
    assert telemetry.carry() == ""
    telemetry.flush(0.1)
