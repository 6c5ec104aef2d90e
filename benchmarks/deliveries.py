"""Signed deliveries for the benchmarks, all different, made before the clock starts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from florentin_webhooks.testing import Provider, SignedDelivery

__all__ = ["PATH", "SECRET", "body_of", "distinct", "envelope_of", "raw_headers"]

SECRET = "florentin-benchmark-secret-0123456789"
PATH = "/webhooks/florentin"

_PROVIDER = Provider(SECRET)


def distinct(number: int, event: str = "invoice.created") -> Iterator[SignedDelivery]:
    """Create *number* different deliveries of *event*."""
    for _ in range(number):
        yield _PROVIDER.make(event)


def body_of(size: int) -> bytes:
    """Return an invoice event of *size* bytes."""
    envelope = envelope_of({"id": "inv_42", "note": ""})
    room = size - len(json.dumps(envelope))
    envelope["data"] = {"invoice": {"id": "inv_42", "note": secrets.token_hex(room)[:room]}}
    return json.dumps(envelope).encode()


def envelope_of(invoice: object) -> dict[str, object]:
    """Return an invoice event that is sent now."""
    return {
        "event": "invoice.created",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "data": {"invoice": invoice},
    }


def raw_headers(made: SignedDelivery) -> list[tuple[bytes, bytes]]:
    """Return the headers of *made* as an ASGI server passes them, with those of every client."""
    usual = {
        "host": "shop.example",
        "user-agent": "Florentin-Webhooks/1.0",
        "accept": "*/*",
        "content-length": str(len(made.body)),
    }
    return [
        (name.lower().encode(), value.encode()) for name, value in (usual | made.headers).items()
    ]
