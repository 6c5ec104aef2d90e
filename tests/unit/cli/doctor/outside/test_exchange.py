"""A request to a server that is silent, slow or no web server ends in time, with its reason."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep

import pytest

from florentin_webhooks.cli.doctor.outside.exchange import exchange
from florentin_webhooks.errors import ConfigurationError
from tests.support.sites import Answer, serving

Talk = Callable[[socket.socket], object]


@contextmanager
def answering(talk: Talk) -> Iterator[str]:
    """Serve one connection by *talk*, which has its socket."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()


def drip(connection: socket.socket) -> None:
    """Send a byte of a header now and then, so that no single wait is long."""
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.sendall(b"x")
            sleep(0.01)
    except OSError:
        return


def stay_silent(connection: socket.socket) -> None:
    while connection.recv(100):
        pass


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        (stay_silent, "timeout"),
        (drip, "timeout"),
        (lambda _: None, "closed"),
        (lambda connection: connection.sendall(b"220 mail.example ESMTP\r\n"), "not-http"),
    ],
)
def test_request_without_an_answer_ends_with_its_reason(talk: Talk, expected: str) -> None:
    started = monotonic()
    with answering(talk) as url:
        sent = exchange(url, {}, b"{}", longest=0.2 if expected == "timeout" else 20)
    assert (sent.error, sent.status) == (expected, 0)
    assert monotonic() - started < 25


def test_answer_is_read_whole_and_timed() -> None:
    with serving(lambda _: Answer(401, b"no", {"X-Some": "1"})) as root:
        sent = exchange(root, {}, b"{}")
    assert (sent.status, sent.text, sent.headers["x-some"], sent.error) == (401, "no", "1", "")
    assert 0 < sent.seconds < 25


def test_refusal_of_a_body_that_is_still_sent_is_read() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    with answering(lambda connection: connection.sendall(refusal)) as url:
        sent = exchange(url, {}, b"x" * 8_000_000, longest=5)
    assert sent.status == 413 or sent.error == "closed"


def test_unknown_host_and_invalid_url_are_told_apart() -> None:
    assert exchange("http://no-such-host.invalid/", {}, b"").error == "address"
    with pytest.raises(ConfigurationError):
        exchange("mailto:shop@example.com", {}, b"")
