"""The exposition: what Prometheus scrapes, as bytes, an ASGI program or a WSGI program."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.registry import Collector
    from starlette.types import Receive, Scope, Send

__all__ = ["Exposition"]

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_VERSION = re.compile(r";\s*version\s*=\s*(?![0-9]{1,3}(\.[0-9]{1,3}){2}\s*(;|$))", re.IGNORECASE)
"""A version that is not three numbers."""


class Exposition:
    """The metrics of *registry*; those of all processes of the machine in multiprocess mode.

    *collector* has gauges that no process may keep.
    """

    def __init__(self, registry: CollectorRegistry, collector: Collector) -> None:
        self._registry = registry
        self._collector = collector

    def write(self, accept: str = "") -> tuple[str, bytes]:
        """Return the content type and the body that a client with this *accept* header gets.

        Asks the stores of the receivers, each for 2 seconds at most.
        """
        encode, content_type = choose_encoder(_readable_ranges(accept))
        return content_type, encode(self._readable())

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the metrics at every path: mount it at ``/metrics``."""
        del receive
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        if scope["type"] != "http":
            return
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        content_type, body = await asyncio.to_thread(self.write, accept)
        headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def wsgi(
        self, environ: dict[str, object], start_response: Callable[..., object]
    ) -> Iterable[bytes]:
        """Serve the metrics at every path of a blocking program."""
        content_type, body = self.write(str(environ.get("HTTP_ACCEPT", "")))
        start_response(
            "200 OK", [("Content-Type", content_type), ("Content-Length", f"{len(body)}")]
        )
        return [body]

    def _readable(self) -> CollectorRegistry:
        if not os.environ.get(_FOLDER):
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(self._collector)
        return registry


def _readable_ranges(accept: str) -> str:
    """Return the media ranges of *accept* but for those of an invalid version."""
    return ",".join(each for each in accept.split(",") if not _VERSION.search(each.strip()))
