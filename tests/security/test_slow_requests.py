"""Bodies that take too long, over TCP. ``HASTE`` is what they may take here."""

from __future__ import annotations

import pytest

from tests.support.mounts import HASTE
from tests.support.server import Server
from tests.support.vectors import CANONICAL, delivery


@pytest.mark.answers("HTTP-09")
def test_missing_body_times_out(server: Server) -> None:
    place = server.place("hasty")
    answer = place.send(place.raw(delivery()).removesuffix(delivery().body))
    assert answer is not None
    assert (answer.outcome, answer.status) == ("read-timeout", 408)
    assert answer.headers["connection"] == "close"


@pytest.mark.answers("HTTP-09")
def test_trickling_body_times_out(server: Server) -> None:
    place = server.place("hasty")
    whole = place.raw(delivery(CANONICAL + b" " * 1_000))
    with server.connect() as connection:
        sent = whole.index(b"\r\n\r\n") + 4
        connection.send(whole[:sent])
        while not connection.has_input(HASTE / 20):
            assert sent < len(whole) - 1, "the time began again with each byte"
            connection.send(whole[sent : sent + 1])
            sent += 1
        answer = connection.answer()
    assert answer is not None
    assert answer.outcome == "read-timeout"
    assert place.seen() == []


@pytest.mark.answers("HTTP-16")
def test_timeout_closes_the_connection(
    server: Server,
) -> None:
    place = server.place("hasty")
    whole = place.raw(delivery())
    with server.connect() as connection:
        connection.send(whole[:-1])
        answer = connection.answer()
        connection.send(whole[-1:] + place.raw(delivery()))
        assert connection.closed()
    assert answer is not None
    assert answer.status == 408
    assert place.seen() == []


def test_timeout_is_logged_with_the_bytes_received(server: Server) -> None:
    place = server.place("hasty")
    place.send(place.raw(delivery())[:-69])
    (line,) = server.lines()
    assert line.startswith("WARNING")
    assert "read-timeout: 100 bytes arrived within 0.3 s" in line


def test_slow_senders_do_not_delay_others(server: Server) -> None:
    place, connections = server.place("hasty"), []
    for _ in range(50):
        connection = server.connect()
        connection.send(place.raw(delivery())[:-1])
        connections.append(connection)
    outcome = server.place().ask(delivery()).outcome
    for connection in connections:
        with connection:
            answer = connection.answer()
            assert answer is not None
            assert answer.status == 408
    assert outcome == "processed"


@pytest.mark.parametrize("cut", [1, 100, 168])
def test_disconnect_before_the_timeout_gets_no_answer(server: Server, cut: int) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery())[:-cut])
        connection.end()
        answer = connection.answer()
    assert answer is None or answer.status == 400
    assert place.seen() == []
