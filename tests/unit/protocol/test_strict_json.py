"""Bodies that are rightly signed and otherwise anything: no exception, no 5xx, one reading."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from florentin_webhooks.errors import Rejected
from florentin_webhooks.events import CATALOGUE
from florentin_webhooks.protocol.strict_json import MAX_DEPTH, loads
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, delivery

pytestmark = pytest.mark.answers("body-not-utf8", "body-json-array")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
finite = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)
FRAGMENTS = (
    *(b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b" ", b"\n", b"\0", b"\xff", b"\xe9"),
    *(b"0", b"-", b"1e400", b"1E-5", b"NaN", b"Infinity", b"true", b"null", b"9" * 5_000),
    *(b'"event"', b'"timestamp"', b'"data"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"a":1,'),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"[" * 40, b"]" * 40, b'{"a":' * 40, b'"\\"['),
)
soups = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=3), max_size=30).map(b"".join)


@st.composite
def mutated(draw: st.DrawFn, start: bytes = CANONICAL) -> bytes:
    """A good body with up to three pieces replaced."""
    body = start
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        end = at + draw(st.integers(0, 12))
        body = body[:at] + draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=3)) + body[end:]
    return body


envelopes = st.builds(
    lambda event, timestamp, data: json.dumps(
        {"event": event, "timestamp": timestamp, "data": data}
    ).encode(),
    st.sampled_from(sorted(CATALOGUE)) | st.text() | scalars,
    st.just("2026-06-06T12:00:00.000Z") | st.text() | scalars | st.datetimes().map(str),
    values,
)
EXAMPLES = settings().max_examples
stamps = st.text("0123456789TZ:-+. ", max_size=40)
bodies = st.one_of(st.binary(max_size=300), soups, mutated(), envelopes)


@settings(max_examples=3 * EXAMPLES)
@given(body=bodies)
@example(body=b"")
@example(body=b'{"event":"x.y","timestamp":"2026-06-06T12:00:00Z","data":' + b"9" * 5_000 + b"}")
def test_signed_body_is_never_a_server_error(body: bytes) -> None:
    request = delivery(body).without("X-Florentin-Event")
    assert Target().send(request).status < 500


@given(body=bodies)
def test_verify_raises_only_rejections_for_a_signed_body(body: bytes) -> None:
    request = delivery(body).without("X-Florentin-Event")
    with suppress(Rejected):
        Target().receiver.verify(request.headers, request.body)


@given(body=bodies)
def test_unsigned_body_is_an_invalid_signature(body: bytes) -> None:
    request = delivery(body, signature="sha256=" + "0" * 64)
    assert Target().send(request).outcome == "invalid-signature"


class TooLoose(Exception):
    """What ``json`` takes and we do not."""


def loosely(body: bytes) -> object:
    """The oracle: ``json.loads``, with every rule of ours checked on its own."""

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in found}) < len(found):
            raise TooLoose
        return dict(found)

    def constant(_: str) -> NoReturn:
        raise TooLoose

    value: object = json.loads(
        body.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant
    )
    check(value, 0)
    return value


def check(value: object, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise TooLoose
        inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for each in inner:
            check(each, depth + 1)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, float) and math.isinf(value):
        raise TooLoose


def read_outcome(body: bytes) -> str:
    try:
        return repr(loosely(body))
    except (ValueError, TooLoose, RecursionError):
        return "refused"


def ours(body: bytes) -> str:
    try:
        return repr(loads(body))
    except ValueError:
        return "refused"


@pytest.mark.answers("body-nan", "body-lone-surrogate")
@settings(max_examples=5 * EXAMPLES)
@given(body=st.one_of(soups, mutated(), values.map(lambda v: json.dumps(v).encode())))
@example(body=b'"\\ud83d\\ude00"')
@example(body=b'"\\\\ud800"')
@example(body=b'{"\\ud800":1}')
@example(body=b'"\\ud83d"')
@example(body=b"\xef\xbb\xbf{}")
@example(body=b"-1e999")
def test_decoder_accepts_json_except_for_its_own_rules(body: bytes) -> None:
    assert ours(body) == read_outcome(body)


@given(value=finite)
def test_decoder_reads_what_json_wrote(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.answers("JSON-04")
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deepest_allowed_nesting_is_read(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    loads(opening * MAX_DEPTH + b"0" + closing * MAX_DEPTH)
    with pytest.raises(ValueError, match="levels deep"):
        loads(opening * (MAX_DEPTH + 1) + b"0" + closing * (MAX_DEPTH + 1))


def test_brackets_in_strings_do_not_count_as_nesting() -> None:
    assert loads(b'["' + b"[{" * 1_000 + b'\\"[[", "' + b"[" * 100 + b'"]')


@pytest.mark.answers("JSON-04", "body-deep-json")
@pytest.mark.parametrize("unit", [b'\\"', b'"', b"\\", b"[", b'{"a":', b'"timestamp":"', b"[]"])
@pytest.mark.parametrize("start", [b"", b"[" * 40, b"[" * 40 + b'"'])
def test_megabyte_of_hostile_input_is_refused_in_linear_time(start: bytes, unit: bytes) -> None:
    # Where the time grows with the square of the size, this takes an hour.
    with pytest.raises(ValueError, match=r"not JSON|deep"):
        loads(start + unit * (1_000_000 // len(unit)))
