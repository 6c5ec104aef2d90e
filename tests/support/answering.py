"""An HTTP server in a thread whose answer depends on the path."""

from __future__ import annotations

from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple, Self

ANSWERS = {
    "/processed": (200, {}, b'{"data":{"outcome":"processed","delivery":"7c1f"},"meta":{}}'),
    "/refused": (401, {}, b'{"error":{"code":"invalid-signature","message":"no"}}'),
    "/moved": (307, {"Location": "/processed"}, b""),
    "/seen": (303, {"Location": "/processed"}, b""),
    "/page": (404, {"Content-Type": "text/html"}, b"<h1>not here</h1>"),
    "/list": (200, {}, b"[1, 2]"),
    "/text": (200, {}, b'"data"'),
    "/other": (200, {}, b'{"data":{}}'),
    "/null": (500, {}, b'{"error":null}'),
    "/deep": (200, {}, b"[" * 200_000),
    "/binary": (200, {}, b"\xff\xfe"),
    "/large": (200, {}, b" " * 3_000_000),
}


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answering:
    """A server at *url* that keeps the *requests* it gets."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append(Asked(self.command, self.path, dict(self.headers), body))
                if self.path == "/nonsense":
                    self.wfile.write(b"no HTTP at all\r\n\r\n")
                elif self.path != "/silence":
                    self._answer(*ANSWERS.get(self.path.partition("?")[0], (204, {}, b"")))

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # A client need not read all of it.
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
