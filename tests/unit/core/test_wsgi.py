"""Reading a body from a WSGI environment: honest servers, broken ones, senders that leave."""

from __future__ import annotations

from io import BytesIO

import pytest

from florentin_webhooks.core import wsgi
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.http import environ_of
from tests.support.receivers import Target, everything_in
from tests.support.vectors import CANONICAL, Request, delivery

PATH = "/webhooks/florentin"
CHUNKED = delivery().with_headers(("Transfer-Encoding", "chunked"))


class Endless(BytesIO):
    """A stream that never ends, and counts what was taken from it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0, "an unbounded read would never return"
        self.taken += size
        return b"x" * size


class Broken(BytesIO):
    """A stream that ends with an error of the server's own."""

    def read(self, _: int | None = -1, /) -> bytes:
        message = "Invalid chunk size: 'whsec_something'"
        raise RuntimeError(message)


def reported(
    request: Request, stream: BytesIO | None = None, *, max_body: int = 1_048_576
) -> Outcome:
    environ = environ_of(request, PATH)
    if stream is not None:
        environ["wsgi.input"] = stream
    return wsgi.answer(Target(max_body=max_body).receiver, environ).outcome


def test_body_without_length_is_read_if_the_server_ends_it() -> None:
    assert reported(CHUNKED) is Outcome.PROCESSED


def test_body_without_a_length_or_an_end_is_not_read() -> None:
    environ = environ_of(CHUNKED, PATH, terminated=False) | {"wsgi.input": Endless()}
    assert wsgi.answer(Target().receiver, environ).outcome is Outcome.INVALID_SIGNATURE


@pytest.mark.parametrize("length", [None, ""])
def test_body_without_length_or_chunks_is_read_to_its_end(length: str | None) -> None:
    environ = environ_of(delivery(), PATH)  # HTTP/2 needs neither.
    del environ["CONTENT_LENGTH"]
    environ |= {} if length is None else {"CONTENT_LENGTH": length}
    reply = wsgi.answer(Target().receiver, environ)
    assert reply.outcome is Outcome.PROCESSED


def test_endless_body_without_length_is_read_to_the_limit() -> None:
    environ = environ_of(delivery(), PATH) | {"wsgi.input": Endless(), "CONTENT_LENGTH": ""}
    reply = wsgi.answer(Target(max_body=100_000).receiver, environ)
    assert reply.outcome is Outcome.TOO_LARGE
    assert environ["wsgi.input"].taken == 100_001


def test_lost_chunked_body_is_logged_with_the_server(caplog: pytest.LogCaptureFixture) -> None:
    environ = environ_of(CHUNKED, PATH, terminated=False) | {"SERVER_SOFTWARE": "Shop/1"}
    reply = wsgi.answer(Target().receiver, environ)
    assert reply.outcome is Outcome.INVALID_SIGNATURE
    assert "Shop/1 passes on none of a chunked request" in caplog.text
    assert "mismatch" not in caplog.text


def test_no_more_is_read_than_the_length_says() -> None:
    stream = BytesIO(CANONICAL + b"GET / HTTP/1.1")
    assert reported(delivery(), stream) is Outcome.PROCESSED
    assert stream.read() == b"GET / HTTP/1.1"


def test_one_byte_more_than_the_limit_is_read_at_most() -> None:
    stream = Endless()
    assert reported(CHUNKED, stream, max_body=100_000) is Outcome.TOO_LARGE
    assert stream.taken == 100_001


def test_leading_zeros_of_a_length_are_ignored() -> None:
    environ = environ_of(delivery(), PATH) | {"CONTENT_LENGTH": f"{len(CANONICAL):030}"}
    assert wsgi.answer(Target().receiver, environ).outcome is Outcome.PROCESSED


@pytest.mark.parametrize("arrived", [0, 10, len(CANONICAL) - 1])
def test_disconnected_sender_causes_no_error(arrived: int) -> None:
    assert reported(delivery(), BytesIO(CANONICAL[:arrived])) is Outcome.READ_TIMEOUT


def test_broken_stream_causes_no_error() -> None:
    assert reported(delivery(), Broken()) is Outcome.READ_TIMEOUT


def test_the_text_of_a_servers_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    reported(delivery(), Broken())
    assert "RuntimeError" in caplog.text
    assert "whsec_something" not in everything_in(caplog)


def test_a_body_that_the_framework_keeps_is_taken_from_there() -> None:
    environ = environ_of(delivery(), PATH) | {"wsgi.input": BytesIO()}
    reply = wsgi.answer(Target().receiver, environ, kept=CANONICAL, consumed=True)
    assert reply.outcome is Outcome.PROCESSED


def test_empty_kept_body_leaves_the_stream_unread() -> None:
    environ = environ_of(delivery(), PATH) | {"wsgi.input": Broken()}
    outcome = wsgi.answer(Target().receiver, environ, kept=b"").outcome
    assert outcome is Outcome.INVALID_SIGNATURE


@pytest.mark.parametrize("left", [b"", CANONICAL[1:]], ids=["all of it", "a byte"])
def test_body_read_by_a_middleware_is_logged(left: bytes, caplog: pytest.LogCaptureFixture) -> None:
    environ = environ_of(delivery(), PATH) | {"wsgi.input": BytesIO(left)}
    reply = wsgi.answer(Target().receiver, environ, consumed=True)
    assert reply.outcome is Outcome.BODY_UNAVAILABLE
    assert "a middleware read the body" in caplog.text


def test_names_of_headers_are_what_they_were_on_the_wire() -> None:
    headers = wsgi.EnvironFields({"HTTP_X_FLORENTIN_EVENT": "a", "CONTENT_TYPE": "b"})
    assert [headers.get_all(name) for name in ("x-florentin-event", "content-type")] == [
        ["a"],
        ["b"],
    ]


def test_a_length_that_a_server_leaves_empty_is_none() -> None:
    assert wsgi.EnvironFields({"CONTENT_LENGTH": ""}).get_all("content-length") == []


def test_signature_is_checked_quickly_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the plain check was needed")

    monkeypatch.setattr(wsgi.EnvironFields, "get_each", fail)
    assert reported(delivery()) is Outcome.PROCESSED


@pytest.mark.parametrize("name", ["X-Florentin-Event", "X-Florentin-Delivery-Id"])
def test_empty_header_is_as_missing(name: str) -> None:
    assert reported(delivery().with_headers((name, ""))) is Outcome.PROCESSED


def test_text_beyond_latin_1_is_an_invalid_signature() -> None:
    environ = environ_of(delivery(), PATH) | {"HTTP_X_FLORENTIN_SIGNATURE": "sha256=\u20ac"}
    assert wsgi.answer(Target().receiver, environ).outcome is Outcome.INVALID_SIGNATURE
