"""The health of a receiver as an ASGI program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from florentin_webhooks.core.health import DEFAULT_LIMITS, HealthLimits, Probe, answer_probe

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["HealthApp"]

HEALTH_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class HealthApp:
    """An ASGI application that serves the health of *receiver*: mount it at ``/health``.

    ``/health/live`` asks nothing, ``/health/ready`` the store, and all other paths below the mount
    the queues, too. The reply is 200 or 503, with JSON. *limits* say what is healthy.
    """

    def __init__(
        self, receiver: Receiver[object], *, limits: HealthLimits = DEFAULT_LIMITS
    ) -> None:
        self._receiver = receiver
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a store is asked in a thread."""
        del receive
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        if scope["type"] != "http":
            return
        probe = Probe.of(scope["path"])
        if probe is Probe.LIVE:
            status, body = answer_probe(self._receiver, probe)
        else:
            question = self._receiver, probe, self._limits
            status, body = await asyncio.to_thread(answer_probe, *question)
        headers = [*HEALTH_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
