"""Fetching a document: bounded in size and time, one URL and no other."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from florentin_webhooks.senders.schemes import fetch
from florentin_webhooks.senders.schemes.fetch import MAX_SIZE, fetch_bounded

ANSWERS = {
    "/pem": b"HTTP/1.0 200 OK\r\n\r\nA certificate.",
    "/largest": b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * MAX_SIZE,
    "/larger": b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * (MAX_SIZE + 1),
    "/moved": b"HTTP/1.0 302 Found\r\nLocation: /pem\r\n\r\n",
    "/none": b"HTTP/1.0 404 Not Found\r\n\r\n",
    "/other": b"SSH-2.0-OpenSSH\r\n",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.wfile.write(ANSWERS[self.path])

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.mark.parametrize(("path", "size"), [("/pem", 14), ("/largest", MAX_SIZE)])
def test_document_is_returned(base: str, path: str, size: int) -> None:
    assert len(fetch_bounded(base + path)) == size


@pytest.mark.parametrize("path", ["/larger", "/moved", "/none", "/other"])
def test_answer_that_is_not_a_small_document_is_an_error(base: str, path: str) -> None:
    with pytest.raises(OSError, match=r"large|302|404|BadStatusLine"):
        fetch_bounded(base + path)


def test_answer_that_takes_too_long_is_an_error(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_now", iter([0.0, fetch.TIMEOUT + 1]).__next__)
    with pytest.raises(OSError, match="slow"):
        fetch_bounded(f"{base}/pem")
