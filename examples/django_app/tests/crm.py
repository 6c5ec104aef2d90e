"""A stand-in for the CRM, which can be down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple


class News(NamedTuple):
    subscription: str
    event: str
    key: str
    accepted: bool


@dataclass
class Crm:
    url: str
    down: set[str] = field(default_factory=set)
    """The subscriptions about which it cannot be notified."""
    heard: list[News] = field(default_factory=list)

    def about(self, subscription: str) -> list[News]:
        return [news for news in self.heard if news.subscription == subscription]


@contextmanager
def running_crm() -> Iterator[Crm]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            accepted = message["subscription"] not in crm.down
            key = self.headers["Idempotency-Key"]
            crm.heard.append(News(message["subscription"], message["event"], key, accepted))
            self.send_response(204 if accepted else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        crm = Crm(f"http://127.0.0.1:{server.server_port}/news")
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield crm
        server.shutdown()
        thread.join()
