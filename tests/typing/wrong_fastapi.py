"""What the router for FastAPI does not take."""

from fastapi import FastAPI

from florentin_webhooks import Receiver, Router
from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.fastapi.router import WebhookRouter  # error
from florentin_webhooks.fastapi import webhook_router

hooks = Receiver("a-secret-of-some-length")
app = FastAPI()

webhook_router()  # error
webhook_router("a-secret-of-some-length")  # error
webhook_router(Router())  # error
webhook_router(hooks, 8000)  # error
webhook_router(hooks, "/florentin", 3)  # error
webhook_router(hooks, prefix="/webhooks")  # error
webhook_router(hooks, read_timeout="3")  # error
webhook_router(receiver=hooks)  # error
app.include_router(webhook_router)  # error
app.add_middleware(WebhookMiddleware, hooks=hooks)  # error
