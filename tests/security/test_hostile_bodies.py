"""Bodies whose end is unclear, that hide something or are packed, over TCP."""

from __future__ import annotations

import zlib

import pytest

from tests.support.server import Place, Server
from tests.support.vectors import CANONICAL, Request, delivery, sign

FORGED = delivery(signature="sha256=" + "0" * 64)
MEBIBYTE = 1_048_576


SMUGGLED = {
    "two lengths": b"Content-Length: 169\r\nContent-Length: 5",
    "two lengths in one": b"Content-Length: 169, 5",
    "a plus": b"Content-Length: +169",
    "a minus": b"Content-Length: -1",
    "hexadecimal": b"Content-Length: 0xa9",
    "5,000 digits": b"Content-Length: 1" + b"0" * 5_000,
    "no digits": b"Content-Length: ",
    "superscript": b"Content-Length: \xb2",
    "unknown coding": b"Transfer-Encoding: xchunked",
    "chunked with a tab": b"Transfer-Encoding: \x0bchunked",
    "chunked not last": b"Transfer-Encoding: chunked, gzip",
    "identity": b"Transfer-Encoding: identity",
}


@pytest.mark.answers("HTTP-07")
@pytest.mark.parametrize("framing", SMUGGLED.values(), ids=SMUGGLED)
def test_body_with_unclear_end_is_not_processed(server: Server, framing: bytes) -> None:
    place = server.place("hasty")
    answer = place.send(place.raw(delivery()).replace(b"Content-Length: 169", framing))
    assert answer is None or answer.status in (400, 401, 408, 501)
    assert place.seen() == []


@pytest.mark.answers("HTTP-07")
@pytest.mark.parametrize("length", [b"169", b"5", b"100000"])
def test_length_with_chunks_is_refused_or_ignored(server: Server, length: bytes) -> None:
    place = server.place()
    both = b"Content-Length: %s\r\nTransfer-Encoding" % length
    answer = place.send(place.chunked(CANONICAL).replace(b"Transfer-Encoding", both, 1))
    assert answer is not None
    assert (answer.status, len(place.seen())) in ((400, 0), (200, 1))


@pytest.mark.answers("HTTP-07")
def test_chunked_header_without_chunks_is_not_a_server_error(server: Server) -> None:
    place = server.place()
    both = b"Content-Length: 169\r\nTransfer-Encoding"
    answer = place.send(place.chunked().replace(b"Transfer-Encoding", both, 1))
    assert answer is not None
    assert answer.status in (400, 401)


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "anything"])
@pytest.mark.parametrize("request_", [delivery(), FORGED], ids=["genuine", "forged"])
def test_protocol_upgrade_is_not_a_server_error(
    server: Server, protocol: str, request_: Request
) -> None:
    place = server.place()
    upgrade = request_.with_headers(("Connection", "Upgrade"), ("Upgrade", protocol))
    assert place.ask(upgrade).status in (200, 401)


@pytest.mark.answers("HTTP-08")
def test_chunked_body_is_processed(server: Server) -> None:
    place = server.place()
    answer = place.send(place.chunked(CANONICAL[:1], CANONICAL[1:100], CANONICAL[100:]))
    assert answer is not None
    assert answer.outcome == "processed"


@pytest.mark.parametrize("size", [b"zz", b"-1", b"f" * 17, b" a9"])
def test_chunk_without_a_size_is_not_processed(server: Server, size: bytes) -> None:
    place = server.place("hasty")
    answer = place.send(place.chunked(CANONICAL).replace(b"\r\na9\r\n", b"\r\n%s\r\n" % size))
    assert answer is None or answer.status in (400, 401, 408)
    assert place.seen() == []


def with_trailer(place: Place) -> tuple[bytes, bytes]:
    """A delivery whose signature comes behind its body: the head, and the rest."""
    request = delivery().without("X-Florentin-Signature").with_headers(("Expect", "100-continue"))
    trailer = b"0\r\nX-Florentin-Signature: " + sign(CANONICAL).encode() + b"\r\n\r\n"
    data = place.chunked(CANONICAL, request=request).removesuffix(b"0\r\n\r\n") + trailer
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


@pytest.mark.answers("SIG-17")
def test_signature_in_a_trailer_is_ignored(server: Server) -> None:
    place = server.place()
    head, rest = with_trailer(place)
    with server.connect() as connection:
        connection.send(head)
        assert connection.told_to_go_on()
        connection.send(rest)
        answer = connection.answer()
    assert answer is not None
    assert answer.outcome == "invalid-signature"


@pytest.mark.answers("SIG-17")
def test_only_httptools_takes_an_early_trailer_for_a_header(
    server: Server,
) -> None:
    # uvicorn appends it to the headers before the program is called, so no program can see that.
    # It does no harm: the signature is valid, and covers the body.
    place = server.place()
    answer = place.send(b"".join(with_trailer(place)))
    assert answer is not None
    assert answer.outcome == {"h11": "invalid-signature", "httptools": "processed"}[server.reader]


BOMB = zlib.compress(b"\0" * 32 * MEBIBYTE, 1)


@pytest.mark.answers("HTTP-10")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x-unheard-of"])
def test_compressed_body_is_refused_without_decompression(server: Server, encoding: str) -> None:
    place, before = server.place(), server.memory()
    answer = place.ask(delivery(BOMB).with_headers(("Content-Encoding", encoding)))
    assert (answer.outcome, answer.status) == ("unsupported-encoding", 415)
    assert server.memory() - before < 10 * MEBIBYTE
