"""A CRM server for tests: it stores notes, and fails on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Note(NamedTuple):
    text: str
    key: str
    status: int


class CRM(ThreadingHTTPServer):
    """A CRM that fails for the customers in *failing* and stores all notes in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/notes"
        self.failing: set[str] = set()
        self._notes: list[tuple[str, Note]] = []

    def store(self, customer: str, text: str, key: str) -> int:
        status = 503 if customer in self.failing else 201
        self._notes.append((customer, Note(text, key, status)))
        return status

    def notes(self, customer: str) -> list[Note]:
        return [note for name, note in self._notes if name == customer]

    def accepted(self, customer: str) -> list[str]:
        """Return the texts that were accepted, without failed attempts."""
        return [note.text for note in self.notes(customer) if note.status == 201]


class _Handler(BaseHTTPRequestHandler):
    server: CRM

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self.send_response(self.server.store(body["customer"], body["note"], key))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def run_crm() -> Generator[CRM]:
    with CRM() as crm:
        thread = threading.Thread(target=crm.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield crm
        crm.shutdown()
        thread.join()
