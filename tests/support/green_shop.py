"""A Flask program for gevent: async and plain handlers, and an async view beside them."""

from __future__ import annotations

import asyncio
import threading
import time

from flask import Flask

from florentin_webhooks import Receiver, events
from florentin_webhooks.flask import webhook_blueprint
from tests.support.vectors import SECRET

hooks = Receiver(SECRET)


@hooks.on("invoice.created")
async def bill(_: events.InvoiceCreated) -> None:
    """Wait in an event loop, so that several run at once."""
    await asyncio.sleep(0.2)


@hooks.on("user.login")
def count(_: events.UserLogin) -> None:
    """Wait without one."""
    time.sleep(0.1)


app = Flask(__name__)
app.register_blueprint(webhook_blueprint(hooks))


@app.get("/loop")
def loop() -> str:
    """Run an event loop in this request's greenlet."""
    asyncio.run(asyncio.sleep(1))
    return str(threading.active_count())
