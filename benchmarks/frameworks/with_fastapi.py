"""FastAPI, under uvicorn: with our router, and behind our middleware."""

from fastapi import FastAPI, Request, Response

from benchmarks.deliveries import PATH
from benchmarks.frameworks import BY_HAND, abill, is_signed, receiver
from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.fastapi import webhook_router

app = FastAPI()
app.include_router(webhook_router(receiver(abill), PATH))


@app.post(BY_HAND)
async def by_hand(request: Request) -> Response:
    """Only verify the signature."""
    signed = is_signed(await request.body(), request.headers.get("X-Florentin-Signature"))
    return Response(status_code=200 if signed else 401)


behind = WebhookMiddleware(app, receiver=receiver(abill), path=PATH)
