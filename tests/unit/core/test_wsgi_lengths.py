"""The short way in judges each request as all the checks do."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from florentin_webhooks.core import wsgi
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.http import environ_of
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, delivery

LIMIT = 2000
SIZE = len(CANONICAL)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, SIZE - 1, SIZE, SIZE + 1, LIMIT - 1, LIMIT, LIMIT + 1, 10**18, 10**19]),
    st.integers(0, 3 * LIMIT),
)
PADDING = st.sampled_from(["", " ", "\t", "0", "+", "-", "000000000000000000", ",", "_"])
LENGTHS = st.one_of(
    st.none(),
    st.builds("{}{}{}".format, PADDING, NUMBERS, PADDING),
    st.sampled_from(["", "x", "1_0", "0x10", "1e3", "5, 5", "\xb2", "\u0665", f"{SIZE}.0"]),
)
OPTIONAL: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "HTTP_CONTENT_ENCODING": st.sampled_from(
            ["", " ", "identity", "IDENTITY", "gzip", "br,gzip"]
        ),
        "HTTP_TRANSFER_ENCODING": st.sampled_from(["", "chunked", "gzip, chunked", "identity"]),
        "HTTP_UPGRADE": st.sampled_from(["", "h2c"]),
        "wsgi.input_terminated": st.booleans(),
    },
)
METHODS = st.sampled_from(["POST", "post", "GET", "HEAD", "PUT", "OPTIONS", "POST ", ""])
BODIES = st.sampled_from([b"", CANONICAL[:-1], CANONICAL, CANONICAL + b"x", b"x" * (LIMIT + 5)])


def judge(environ: dict[str, Any], body: bytes, *, consumed: bool) -> tuple[Outcome, int]:
    """Return the outcome, and how much of the body was taken."""
    stream = BytesIO(body)
    receiver = Target(max_body=LIMIT).receiver
    reply = wsgi.answer(receiver, environ | {"wsgi.input": stream}, consumed=consumed)
    return reply.outcome, stream.tell()


def environ_with(method: str, length: str | None, added: dict[str, Any]) -> dict[str, Any]:
    environ = environ_of(delivery(), "/webhooks/florentin", terminated=False)
    del environ["CONTENT_LENGTH"]
    lengths = {} if length is None else {"CONTENT_LENGTH": length}
    return {**environ, "REQUEST_METHOD": method, **lengths, **added}


@example(method="POST", length=str(SIZE), added={}, body=CANONICAL, consumed=False)
@given(METHODS, LENGTHS, OPTIONAL, BODIES, st.booleans())
def test_short_way_in_decides_as_all_checks_do(
    method: str, length: str | None, added: dict[str, Any], body: bytes, consumed: bool
) -> None:
    environ = environ_with(method, length, added)
    short = judge(environ, body, consumed=consumed)
    with mock.patch.object(wsgi, "_plain_length", return_value=None):
        assert short == judge(environ, body, consumed=consumed)


def test_short_way_in_is_taken() -> None:
    environ = environ_with("POST", str(SIZE), {})
    assert wsgi._plain_length(environ, LIMIT) == SIZE  # Else the property compares nothing.
