"""A request that is handed on: the same bytes and headers, and the reply as it came."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from florentin_webhooks.testing.forward import forward

BODY = b'{"event":\t"user.login"}\r\n\xff'


class Program(BaseHTTPRequestHandler):
    """A program that replies with what is not JSON, and keeps what it got."""

    requests: list[tuple[list[tuple[str, str]], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.headers.items(), body))
        self.send_response(418)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Keep-Alive", "timeout=5")
        self.end_headers()
        self.wfile.write(b"a teapot")

    def log_message(self, *_: Any) -> None: ...  # Any: as the method of the base class.


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    Program.requests = []
    with HTTPServer(("127.0.0.1", 0), Program) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hooks?a=1"
        server.shutdown()
        thread.join()


def test_bytes_and_headers_are_handed_on(url: str) -> None:
    headers = [
        ("x-florentin-signature", "sha256=ab"),
        ("x-other", "1"),
        ("x-other", "caf\xe9"),
        ("host", "public.example"),
        ("connection", "close"),
        ("content-length", "999"),
    ]
    reply = forward(url, headers, BODY, timeout=30)
    got, body = Program.requests[-1]
    assert body == BODY
    assert [pair for pair in got if pair[0].startswith("x-")] == headers[:3]
    assert dict(got)["Host"] == url.removeprefix("http://").partition("/")[0]
    assert (reply.status, reply.body) == (418, b"a teapot")
    kept = [pair for pair in reply.headers if pair[0] not in ("Server", "Date")]
    assert kept == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def test_program_that_does_not_run_raises() -> None:
    with pytest.raises(OSError, match="refused"):
        forward("http://127.0.0.1:9", [], BODY, timeout=30)
