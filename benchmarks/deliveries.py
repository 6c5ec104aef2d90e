"""Make what the benchmarks receive: signed deliveries, distinct, made before the clock runs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from florentin_webhooks.testing import Provider, SignedDelivery

__all__ = ["PATH", "SECRET", "body_of", "distinct", "raw_headers"]

SECRET = "florentin-benchmark-secret-0123456789"
PATH = "/webhooks/florentin"

_PROVIDER = Provider(SECRET)


def distinct(number: int, event: str = "invoice.created") -> Iterator[SignedDelivery]:
    """Give *number* deliveries of *event*, none like another."""
    for _ in range(number):
        yield _PROVIDER.make(event)


def body_of(size: int) -> bytes:
    """Give an invoice of *size* bytes."""
    envelope = {
        "event": "invoice.created",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "data": {"invoice": {"id": "inv_42", "note": ""}},
    }
    room = size - len(json.dumps(envelope))
    envelope["data"] = {"invoice": {"id": "inv_42", "note": secrets.token_hex(room)[:room]}}
    return json.dumps(envelope).encode()


def raw_headers(made: SignedDelivery) -> list[tuple[bytes, bytes]]:
    """Give the headers of *made* as a server hands them on, with those that every client sends."""
    usual = {
        "host": "shop.example",
        "user-agent": "Florentin-Webhooks/1.0",
        "accept": "*/*",
        "content-length": str(len(made.body)),
    }
    return [
        (name.lower().encode(), value.encode()) for name, value in (usual | made.headers).items()
    ]
