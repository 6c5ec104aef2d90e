"""The trace of a request goes on in its jobs, and in every attempt of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from florentin_webhooks import RetryLater
from florentin_webhooks.opentelemetry import Telemetry
from tests.support.workshop import Workshop, open_workshop

EACH_WAY = pytest.mark.parametrize("batch", [1, 64])
"""One by one, and in a batch."""


class NamesToFile(SpanExporter):
    """An exporter that another process can read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self.path.open("a") as file:
            file.writelines(f"{span.name}\n" for span in spans)
        return SpanExportResult.SUCCESS


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(40, 40)) as opened:
        yield opened


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracers(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    yield tracers
    tracers.shutdown()


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [each for each in exporter.get_finished_spans() if each.name == name]


@EACH_WAY
def test_attempts_continue_the_trace_and_link_to_the_first(
    shop: Workshop, exporter: InMemorySpanExporter, tracers: TracerProvider, batch: int
) -> None:
    Telemetry(shop.hooks, tracer_provider=tracers)
    shop.does("bill", ValueError("ada"), RetryLater(60))
    shop.accept()
    shop.work_it_off(batch=batch)
    assert shop.ran == ["bill"] * 3
    (request,) = named(exporter, "receive Florentin")
    first, *retries = jobs = named(exporter, f"process {shop.queue}")
    assert request.context is not None
    assert {each.parent and each.parent.span_id for each in jobs} == {request.context.span_id}
    assert [(each.attributes or {})["florentin_webhooks.attempt"] for each in jobs] == [1, 2, 3]
    assert first.context is not None
    assert [len(each.links) for each in jobs] == [0, 1, 1]
    assert {each.links[0].context.span_id for each in retries} == {first.context.span_id}
    attempts = named(exporter, f"handle {shop.named('bill')}")
    parents = [each.parent and each.parent.span_id for each in attempts]
    assert parents == [each.context and each.context.span_id for each in jobs]


@EACH_WAY
def test_job_that_was_queued_without_a_trace_runs(
    shop: Workshop, exporter: InMemorySpanExporter, tracers: TracerProvider, batch: int
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    assert b"meta" not in shop.job(fingerprint)
    Telemetry(shop.hooks, tracer_provider=tracers)
    shop.work(batch=batch)
    (job,) = named(exporter, f"process {shop.queue}")
    assert (shop.ran, job.parent) == (["bill"], None)


def test_spans_of_a_forked_process_are_exported(shop: Workshop, tmp_path: Path) -> None:
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(NamesToFile(tmp_path / "spans")))
    Telemetry(shop.hooks, tracer_provider=tracers)
    shop.does("bill")
    shop.accept()
    shop.work_in_forks()
    exported = (tmp_path / "spans").read_text().splitlines()
    assert f"process {shop.queue}" in exported
    tracers.shutdown()
