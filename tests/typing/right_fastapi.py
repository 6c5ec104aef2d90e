"""The router for FastAPI, and what takes it."""

from typing import assert_type

from fastapi import APIRouter, Depends, FastAPI

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.fastapi import webhook_router

hooks = Receiver("a-secret-of-some-length")


def allowed() -> None: ...


app = FastAPI()
router = webhook_router(hooks)
assert_type(router, APIRouter)
app.include_router(router)
app.include_router(webhook_router(hooks, "/florentin"), prefix="/webhooks", tags=["billing"])
app.include_router(webhook_router(hooks, path="/other"), dependencies=[Depends(allowed)])
webhook_router(hooks, "/florentin", read_timeout=3)
webhook_router(hooks, read_timeout=0.5, include_in_schema=False)
app.mount("/whole", WebhookApp(hooks))
app.add_middleware(WebhookMiddleware, receiver=hooks, path="/in-front")
