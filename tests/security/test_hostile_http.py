"""Methods, sizes and connections that are abused, over TCP, under each of uvicorn's HTTP readers.

After every test: no traceback, secret, signature or body in what the server wrote, and the next
honest delivery is processed.
"""

from __future__ import annotations

import pytest

from tests.support.server import Server
from tests.support.vectors import delivery
from tests.support.waiting import eventually

FORGED = delivery(signature="sha256=" + "0" * 64)
MEBIBYTE = 1_048_576


@pytest.mark.answers("HTTP-01")
@pytest.mark.parametrize(
    "method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONNECT"]
)
def test_any_method_but_post_is_not_allowed(server: Server, method: str) -> None:
    answer = server.place().ask(delivery()._replace(method=method))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_head_request_is_not_allowed_and_gets_no_body(server: Server) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery()._replace(method="HEAD")))
        connection.end()
        answer = connection.answer()
    assert answer is not None
    assert (answer.status, answer.body) == (405, b"")


@pytest.mark.answers("HTTP-02")
def test_declared_length_over_the_limit_is_refused_unread(server: Server) -> None:
    place = server.place()
    head = place.raw(
        delivery(b"").with_headers(("Content-Length", str(100 * MEBIBYTE))), length=False
    )
    answer = place.send(head)
    assert answer is not None
    assert (answer.outcome, answer.status) == ("too-large", 413)


@pytest.mark.answers("HTTP-03", "chunked-no-length")
def test_hundred_mebibytes_in_chunks_are_refused_after_one(server: Server) -> None:
    place, before = server.place(), server.memory()
    head = place.raw(FORGED.with_headers(("Transfer-Encoding", "chunked")), length=False)
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    sent = 0
    with server.connect() as connection:
        connection.send(head.removesuffix(FORGED.body))
        while sent < 1_600 and connection.send(chunk):
            sent += 1
        answer = connection.answer()
    assert answer is not None
    assert (answer.outcome, answer.headers["connection"]) == ("too-large", "close")
    assert sent < 1_600
    assert server.memory() - before < 10 * MEBIBYTE


@pytest.mark.answers("HTTP-16")
def test_bytes_after_a_refused_body_are_not_a_request(server: Server) -> None:
    place = server.place()
    too_large = place.raw(delivery(b"").with_headers(("Content-Length", "2000000")), length=False)
    with server.connect() as connection:
        connection.send(too_large + place.raw(delivery()))
        answer = connection.answer()
        assert connection.closed()
    assert answer is not None
    assert answer.outcome == "too-large"
    assert place.seen() == []


def test_bytes_after_a_refused_method_are_not_a_request(server: Server) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery()._replace(method="PUT")) + place.raw(delivery()))
        answer = connection.answer()
        assert connection.closed()
    assert answer is not None
    assert answer.status == 405
    assert place.seen() == []


def test_pipelined_deliveries_are_answered_in_order(server: Server) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery()) + place.raw(FORGED) + place.raw(delivery()))
        answers = [connection.answer() for _ in range(3)]
    outcomes = [answer.outcome for answer in answers if answer is not None]
    assert outcomes == ["processed", "invalid-signature", "duplicate"]


@pytest.mark.answers("HTTP-05", "HTTP-17", "content-length-lies")
@pytest.mark.parametrize("end", [True, False], ids=["half-closed", "gone"])
def test_disconnect_within_a_body_runs_nothing(server: Server, end: bool) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery())[:-80])
        if end:
            connection.end()
            answer = connection.answer()
            assert answer is None or answer.status == 400
    eventually(lambda: "The sender disconnected after 89 bytes" in server.output())
    assert place.seen() == []


@pytest.mark.answers("HTTP-06", "content-length-lies")
def test_length_that_is_too_small_cuts_the_body(server: Server) -> None:
    place = server.place()
    whole = place.raw(delivery())
    answer = place.send(whole.replace(b"Content-Length: 169", b"Content-Length: 159"))
    assert answer is not None
    assert answer.status in (400, 401)
    assert place.seen() == []
