"""Headers and request lines that only an attacker sends, over TCP."""

from __future__ import annotations

import re

import pytest

from tests.support.server import Server
from tests.support.vectors import CANONICAL, Request, attacks, delivery, sign

FORGED = delivery(signature="sha256=" + "0" * 64)
FORGERIES = [attack for attack in attacks() if attack.outcome == "invalid-signature"]
CONTROL = {
    "NUL": b"\x00",
    "CR": b"\r",
    "LF": b"\n",
    "VT": b"\x0b",
    "ESC": b"\x1b[31m",
    "DEL": b"\x7f",
    "next line": b"\x85",
    "U+2028": b"\xe2\x80\xa8",
    "fold": b"\r\n ",
    "forged line": b"\n2026 INFO accepted evt_forged",
}


@pytest.mark.answers("HTTP-13")
@pytest.mark.parametrize("control", CONTROL.values(), ids=CONTROL)
def test_control_byte_invalidates_the_delivery_id_or_the_request(
    server: Server, control: bytes
) -> None:
    place = server.place("hasty")
    marked = place.raw(delivery(delivery_id="left-MARK-right")).replace(b"MARK", control)
    answer = place.send(marked)
    if answer is not None and answer.status != 400:
        assert answer.outcome == "processed"
        assert place.seen() == [None]


@pytest.mark.answers("LOG-01")
@pytest.mark.parametrize("control", CONTROL.values(), ids=CONTROL)
@pytest.mark.parametrize("name", ["X-Florentin-Delivery-Id", "X-Florentin-Event", "User-Agent"])
def test_control_byte_in_a_header_writes_no_log_line(
    server: Server, control: bytes, name: str
) -> None:
    place = server.place("hasty")
    place.send(place.raw(FORGED.with_headers((name, "x-MARK-y"))).replace(b"MARK", control))
    lines = server.output().splitlines()
    assert [line for line in lines if not line.startswith(("INFO ", "WARNING ", "DEBUG "))] == []
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.answers("LOG-01")
@pytest.mark.parametrize(
    "path", [b"/x%0aINFO%20accepted", b"/x%0d%0a%1b[31m", b"/%c2%85%e2%80%a8", b"/" + b"x" * 60_000]
)
def test_path_writes_no_log_line(server: Server, path: bytes) -> None:
    place = server.place()
    place.send(place.raw(delivery()).replace(place.path.encode(), path, 1))
    assert all(line.isascii() and line.isprintable() for line in server.output().splitlines())


@pytest.mark.answers("SIG-32")
@pytest.mark.parametrize("size", [65_536, 1_048_576], ids=["64 KiB", "1 MiB"])
def test_giant_signature_is_logged_in_a_short_line(server: Server, size: int) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery(signature="sha256=" + "a" * size)))
        answer = connection.answer()
    assert answer is None or answer.status in (400, 401, 431)
    assert all(len(line) < 1024 for line in server.output().splitlines())


@pytest.mark.answers("HTTP-14")
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("X-Florentin-Delivery-Id", "processed"),
        ("X-Florentin-Timestamp", "processed"),
        ("X-Florentin-Event", "malformed"),
    ],
)
def test_giant_header_is_ignored_or_malformed(server: Server, name: str, outcome: str) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery().with_headers((name, "a" * 65_000))))
        answer = connection.answer()
    assert answer is None or answer.status in (400, 431) or answer.outcome == outcome


@pytest.mark.answers("HTTP-14")
def test_five_hundred_headers_are_accepted(server: Server) -> None:
    many = delivery().with_headers(*((f"X-Noise-{number}", "v" * 50) for number in range(500)))
    assert server.place().ask(many).outcome == "processed"


@pytest.mark.answers("SIG-14")
def test_white_space_around_the_signature_is_ignored(server: Server) -> None:
    place = server.place()
    padded = place.raw(delivery(signature=f"  {sign(CANONICAL)} \t"))
    answer = place.send(padded)
    assert answer is not None
    assert answer.outcome == "processed"


@pytest.mark.parametrize("name", ["x-florentin-signature", "X-FLORENTIN-SIGNATURE"])
def test_case_of_the_signature_header_is_ignored(server: Server, name: str) -> None:
    request = delivery().without("X-Florentin-Signature").with_headers((name, sign(CANONICAL)))
    assert server.place().ask(request).outcome == "processed"


@pytest.mark.answers("SIG-18")
def test_header_with_underscores_is_another_header(server: Server) -> None:
    request = delivery().without("X-Florentin-Signature")
    other = request.with_headers(("X_Florentin_Signature", sign(CANONICAL)))
    assert server.place().ask(other).outcome == "invalid-signature"


@pytest.mark.answers("HTTP-12")
def test_forgery_that_expects_100_continue_is_refused(server: Server) -> None:
    place = server.place()
    waiting = place.raw(FORGED.with_headers(("Expect", "100-continue")))
    with server.connect() as connection:
        connection.send(waiting.removesuffix(CANONICAL))
        assert connection.told_to_go_on()
        connection.send(CANONICAL)
        answer = connection.answer()
    assert answer is not None
    assert answer.outcome == "invalid-signature"


def test_unknown_expectation_is_not_a_server_error(server: Server) -> None:
    answer = server.place().ask(delivery().with_headers(("Expect", "miracles")))
    assert answer.status < 500


ODD = {
    "HTTP/1.0": lambda data: data.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/1.0 without Host": lambda data: data.replace(b"HTTP/1.1\r\nHost: localhost", b"HTTP/1.0"),
    "no Host": lambda data: data.replace(b"Host: localhost\r\n", b""),
    "two Hosts": lambda data: data.replace(b"Host:", b"Host: elsewhere\r\nHost:"),
    "a hostile Host": lambda data: data.replace(b"localhost", b"'\"><script>.example:99999999"),
    "absolute form": lambda data: data.replace(b"POST /", b"POST http://elsewhere.example/"),
    "lower-case method": lambda data: data.replace(b"POST", b"post"),
    "method of 5,000 letters": lambda data: data.replace(b"POST", b"P" * 5_000),
    "HTTP/9.9": lambda data: data.replace(b"HTTP/1.1", b"HTTP/9.9"),
    "HTTP/0.9": lambda data: data.replace(b" HTTP/1.1", b""),
    "a TLS hello": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    "an HTTP/2 preface": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space before the colon": lambda data: data.replace(b"Host:", b"Host :"),
    "bare line feeds": lambda data: data.replace(b"\r\n", b"\n"),
}


@pytest.mark.answers("HTTP-15")
@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_odd_request_is_not_a_server_error(server: Server, change: object) -> None:
    assert callable(change)
    place = server.place("hasty")
    with server.connect() as connection:
        connection.send(change(place.raw(delivery())))
        connection.end()
        answer = connection.answer()
    assert answer is None or answer.status < 500


@pytest.mark.answers("HTTP-18")
def test_all_forgeries_get_the_same_answer(server: Server) -> None:
    place = server.place()
    requests = [a.request for a in FORGERIES if not a.request.raw and a.case != "SIG-32"]
    answers = [place.ask(request) for request in requests]
    alike = {
        (a.status, tuple((n, v) for n, v in a.headers.items() if n != "date"), a.body)
        for a in answers
    }
    assert len(requests) == 29
    assert len(alike) == 1


def test_answer_echoes_nothing_of_the_request(server: Server) -> None:
    marker = "ech0ed-marker"
    odd = Request(((b"X-Florentin-Signature", marker.encode()), (b"Host", marker.encode())), b"x")
    answer = server.place().ask(odd.with_headers(("X-Florentin-Event", f"<script>{marker}")))
    assert marker not in f"{answer.headers} {answer.body!r}"


def test_forgery_is_logged_with_its_reason_only(server: Server) -> None:
    place = server.place()
    for signature in ("sha256=" + "0" * 64, "sha256=", "sha1=abc"):
        place.ask(delivery(signature=signature))
    place.ask(delivery().without("X-Florentin-Signature"))
    reasons = re.findall(r"signature is invalid: (\w+)", "\n".join(server.lines()))
    assert reasons == ["mismatch", "malformed", "malformed", "missing"]


@pytest.mark.answers("LOG-06")
def test_other_headers_of_a_request_are_not_logged(server: Server) -> None:
    private = delivery().with_headers(
        ("Authorization", "Bearer 42|kP3f9c"), ("Cookie", "s=s3ss10n")
    )
    server.place().ask(private)
    server.place().ask(private.with_headers(("X-Florentin-Signature", "sha256=")))
    assert "kP3f9c" not in server.output()
    assert "s3ss10n" not in server.output()
