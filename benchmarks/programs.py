"""The two programs to compare: ours does everything, Starlette's only verifies."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.deliveries import PATH, SECRET
from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.asgi import WebhookApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from florentin_webhooks import Delivery
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.events import InvoiceCreated

__all__ = ["full", "ignore", "is_signed", "verifies_only"]

KEY = SECRET.encode()


def verifies_only(answer: bytes = b"") -> ASGIApp:
    """Return a Starlette program that checks the signature, as written by hand."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        return Response(answer, status_code=200 if is_signed(request, body) else 401)

    return Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])


def is_signed(request: Request, body: bytes) -> bool:
    """Return whether the signature is right, checked as in code written by hand."""
    expected = "sha256=" + hmac.digest(KEY, body, "sha256").hex()
    return hmac.compare_digest(expected, request.headers.get("x-florentin-signature", ""))


def full(
    store: Store | None = None,
    *,
    further: int = 0,
    metrics: bool = False,
    receiver: Receiver | None = None,
) -> tuple[ASGIApp, list[int]]:
    """Return a receiver as an ASGI program, and a list with one item per run of a handler.

    *further* handlers of the same event run, too, and append nothing. With *metrics* all of it is
    counted for Prometheus.
    """
    if receiver is None:
        receiver = Receiver(SECRET, store=MemoryStore() if store is None else store)
    runs: list[int] = []

    @receiver.on("invoice.created")
    async def handle(event: InvoiceCreated) -> None:
        runs.append(event.data.invoice.amount_due)

    for number in range(further):
        receiver.on("invoice.created")(_handler(f"further_{number}"))
    if metrics:
        from florentin_webhooks.prometheus import Metrics  # noqa: PLC0415 - not in the others.

        Metrics(receiver)
    return WebhookApp(receiver), runs


def _handler(name: str) -> Callable[[InvoiceCreated], Awaitable[None]]:
    async def handle(event: InvoiceCreated) -> None:
        assert event.data.invoice.amount_due

    handle.__qualname__ = name
    return handle


def ignore(_event: InvoiceCreated, _delivery: Delivery) -> None:
    """Do nothing: a handler that a worker can import."""
