#!/usr/bin/env bash
# The receiver records every request: Sentry with traces_sample_rate=1.0, OpenTelemetry with its default
# sampler, which is "always on". A good engineer guesses that what an unknown sender puts into a header
# may name its trace, but that what is recorded here is decided here.
#
# What really happens: both obey the sampling bit of the sender. With `sentry-trace: ...-0` or
# `traceparent: ...-00`, nothing of the delivery is recorded: no transaction, no span, none of the
# handler's own spans, although the rate says 100 %. (Sentry's page on sampling and OpenTelemetry's
# specification do say that a decision is inherited, from services of one's own.) OpenTelemetry's plain
# ALWAYS_ON, Sentry's `traces_sampler`, and `strict_trace_continuation` with one's own organization
# decide here.
#
# Why a webhook receiver cares: the HTTP clients that both libraries instrument add these headers to all
# requests by default, so a sender that samples 1 % of its own traces sends the bit 0 with 99 % of its
# deliveries. One sender has nearly no traces here and another all of them, and the receiver's own
# configuration is blamed. The headers are outside of nearly every signature.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  sentry-sdk==2.75.0 opentelemetry-sdk==1.45.2 opentelemetry-instrumentation-asgi==0.66b2 \
  starlette==1.10.0 httpx==0.28.1

timeout 60 "$work/venv/bin/python" - <<'PY'
import asyncio, logging, sys
from importlib.metadata import version

import httpx
import sentry_sdk
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

DELIVERIES = 10
NUMBERS = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
sent = []


class Transport(sentry_sdk.transport.Transport):
    """Keeps what would be sent to Sentry."""

    def capture_envelope(self, envelope):
        sent.extend(item.type for item in envelope.items)


def sentry(**options):
    """Return a receiver under Sentry, and what counts its transactions."""
    sentry_sdk.init(
        "https://key@sentry.example/1", transport=Transport, default_integrations=False, **options
    )

    async def hook(request):
        return Response()

    def count():
        sentry_sdk.flush()
        return sent.count("transaction")

    sent.clear()
    return SentryAsgiMiddleware(Starlette(routes=[Route("/hook", hook, methods=["POST"])])), count


def opentelemetry(**options):
    """Return a receiver under OpenTelemetry, and what counts the spans of its handler."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(**options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def hook(request):
        with provider.get_tracer("shop").start_as_current_span("book"):
            return Response()

    def count():
        return [span.name for span in exporter.get_finished_spans()].count("book")

    app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    return OpenTelemetryMiddleware(app, tracer_provider=provider), count


async def deliver(app, headers):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as client:
        for _ in range(DELIVERIES):
            assert (await client.post("/hook", content=b"{}", headers=headers)).is_success


STRICT = {"traces_sample_rate": 1.0, "strict_trace_continuation": True, "org_id": "1"}
CASES = {
    "Sentry, traces_sample_rate=1.0": (sentry, {"traces_sample_rate": 1.0}, "sentry-trace", 0),
    "Sentry, traces_sampler": (sentry, {"traces_sampler": lambda _: 1.0}, "sentry-trace", 10),
    "Sentry, strict": (sentry, STRICT, "sentry-trace", 10),
    "OpenTelemetry, by default": (opentelemetry, {}, "traceparent", 0),
    "OpenTelemetry, ALWAYS_ON": (opentelemetry, {"sampler": ALWAYS_ON}, "traceparent", 10),
}
VALUES = {"sentry-trace": f"{NUMBERS}-{{}}", "traceparent": f"00-{NUMBERS}-0{{}}"}
for name in ("sentry-sdk", "opentelemetry-sdk", "opentelemetry-instrumentation-asgi"):
    print(name, version(name))
print(f"recorded of {DELIVERIES} deliveries:{'':5}no header  sampled  not sampled")
changed = False
for name, (tracer, options, header, expected) in CASES.items():
    counts = []
    for bit in (None, 1, 0):
        app, count = tracer(**options)
        headers = {} if bit is None else {header: VALUES[header].format(bit)}
        asyncio.run(deliver(app, headers))
        counts.append(count())
    print(f"{name:32}{counts[0]:9}{counts[1]:9}{counts[2]:13}")
    changed |= counts != [DELIVERIES, DELIVERIES, expected]
if changed:
    sys.exit("The behaviour has changed.")
PY
