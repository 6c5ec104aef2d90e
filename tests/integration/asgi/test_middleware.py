"""Programs around the receiver that read, change or wrap what passes, over TCP."""

from __future__ import annotations

import pytest

from tests.support.server import Server
from tests.support.vectors import delivery, envelope, sign

FORGED = delivery(signature="sha256=" + "0" * 64)
HARMLESS = ["app", "middleware", "routed", "mounted", "middleware-mounted", "gzip", "looked-at"]


@pytest.mark.answers("ADP-09")
@pytest.mark.parametrize("mount", HARMLESS)
def test_delivery_is_processed_in_every_mount(server: Server, mount: str) -> None:
    place = server.place(mount)
    assert place.ask(delivery()).outcome == "processed"
    assert len(place.seen()) == 1


@pytest.mark.parametrize("mount", HARMLESS)
def test_forgery_is_refused_in_every_mount(server: Server, mount: str) -> None:
    assert server.place(mount).ask(FORGED).outcome == "invalid-signature"


@pytest.mark.answers("ADP-06")
@pytest.mark.parametrize("mount", ["streamed", "emptied"])
def test_body_streamed_by_a_middleware_is_unavailable_and_logged(
    server: Server, mount: str
) -> None:
    answer = server.place(mount).ask(delivery())
    assert (answer.outcome, answer.status) == ("body-unavailable", 500)
    (line,) = server.lines()
    assert line.startswith("ERROR")
    assert "Content-Length 169, 0 bytes arrived: a middleware read the body" in line


@pytest.mark.answers("ADP-06")
def test_body_drained_by_a_middleware_times_out_and_is_logged(server: Server) -> None:
    answer = server.place("drained").ask(delivery())
    assert (answer.outcome, answer.status) == ("read-timeout", 408)
    (line,) = server.lines()
    assert "Content-Length 169, 0 bytes arrived: a middleware read the body" in line


@pytest.mark.answers("ADP-07")
def test_rewritten_body_is_refused_with_a_hint(server: Server) -> None:
    answer = server.place("rewritten").ask(delivery())
    assert answer.outcome == "invalid-signature"
    (line,) = server.lines()
    assert "Content-Length '169', 184 bytes arrived: did a middleware change the body?" in line


def test_forgery_of_the_right_length_has_no_hint(server: Server) -> None:
    server.place().ask(FORGED)
    (line,) = server.lines()
    assert "middleware" not in line


@pytest.mark.answers("ADP-13")
def test_reply_is_compressed_if_the_sender_accepts_it(server: Server) -> None:
    place = server.place("gzip")
    answer = place.ask(delivery().with_headers(("Accept-Encoding", "gzip")))
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")


@pytest.mark.answers("ADP-13")
def test_headers_added_by_proxies_change_nothing(server: Server) -> None:
    added = delivery().with_headers(
        ("Via", "1.1 proxy"),
        ("X-Forwarded-For", "203.0.113.7, 10.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", 'for="[::1]";proto=https'),
        ("Transfer-Encoding-Was", "chunked"),
        ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
    )
    lowered = added._replace(headers=tuple((name.lower(), v) for name, v in added.headers))
    assert server.place().ask(lowered).outcome == "processed"


@pytest.mark.answers("ADP-09")
@pytest.mark.parametrize("mount", ["middleware", "middleware-mounted"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_path_is_served_with_and_without_trailing_slash(
    server: Server, mount: str, slash: str
) -> None:
    place = server.place(mount)
    data = place.raw(delivery()).replace(place.path.encode(), place.path.encode() + slash.encode())
    answer = place.send(data)
    assert answer is not None
    assert answer.outcome == "processed"


@pytest.mark.answers("ADP-09")
@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("{0}//", 404),
        ("{0}/x", 404),
        ("/{0}", 404),
        ("{0}%2F", 200),
        ("{0}%2F%2F", 404),
        ("{0}%00", 404),
        ("{0}?a=b", 200),
        ("{0};a=b", 404),
        ("{0}/.", 404),
        ("{0}/../0", 404),
        ("{0}%20", 404),
        ("{0}\xef", 404),
    ],
)
def test_other_spellings_of_the_path_are_not_served(
    server: Server, written: str, status: int
) -> None:
    # A path is compared once, after the server decoded it: %2F is the slash that it spells.
    place = server.place("middleware")
    path = written.format(place.path).encode("latin-1")
    answer = place.send(place.raw(delivery()).replace(place.path.encode(), path, 1))
    assert answer is not None
    assert answer.status in (status, 400)


@pytest.mark.answers("ADP-09")
def test_path_is_case_sensitive(server: Server) -> None:
    place = server.place("middleware")
    path = place.path.upper().encode()
    answer = place.send(place.raw(delivery()).replace(place.path.encode(), path, 1))
    assert answer is not None
    assert answer.status == 404


def test_concurrent_connections_do_not_mix_bodies(server: Server) -> None:
    place = server.place()
    bodies = [envelope({"n": number}) for number in range(40)]
    requests = [delivery(b, event="user.login", delivery_id=sign(b)[7:27]) for b in bodies]
    connections = [server.connect() for _ in requests]
    for half in (slice(None, -10), slice(-10, None)):
        for connection, request in zip(connections, requests, strict=True):
            connection.send(place.raw(request)[half])
    answers = []
    for connection in connections:
        with connection:
            answers.append(connection.answer())
    assert {answer.outcome for answer in answers if answer is not None} == {"processed"}
    assert len(set(place.seen())) == 40
