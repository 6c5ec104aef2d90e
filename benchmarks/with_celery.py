"""FastAPI, stripe and Celery, as written by hand: verify, then ``delay`` in a thread."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Any

import stripe
from celery import Celery
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from benchmarks.deliveries import PATH, SECRET

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["HEADER", "celery_program", "sign"]

HEADER = "stripe-signature"
HOUR = 3600


def sign(body: bytes) -> bytes:
    """Return the signature of *body* as Stripe writes it."""
    now = int(time.time())
    digest = hmac.digest(SECRET.encode(), b"%d.%s" % (now, body), "sha256")
    return f"t={now},v1={digest.hex()}".encode()


def celery_program(url: str) -> ASGIApp:
    """Return a program whose queue is in the Redis at *url*."""
    queue: Any = Celery(broker=url)  # Untyped.

    @queue.task(name="empty", ignore_result=True)
    def empty(body: str) -> None:
        """Do nothing."""

    app = FastAPI()

    @app.post(PATH)
    async def receive(request: Request) -> Response:
        body, signature = await request.body(), request.headers.get(HEADER, "")
        try:
            stripe.Webhook.construct_event(body, signature, SECRET, tolerance=HOUR)
        except stripe.SignatureVerificationError:
            return Response(status_code=401)
        await run_in_threadpool(empty.delay, body.decode())
        return Response(status_code=200)

    return app
