"""Which retries are recognised: by delivery id and content without the time."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.identity import retry_key
from tests.support.vectors import envelope

STAMP = '"timestamp": "2026-06-06T12:00:00.000Z"'
LATER = STAMP.replace("12:00", "12:02")
texts = st.text(alphabet='ab"\\{}[]:,ü\n ')
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
stamps = st.text("0123456789TZ:-+. ", max_size=40)
data = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.just("timestamp") | texts, inner, max_size=3)
    ),
    max_leaves=8,
)


def content(body: str, delivery_id: str = "7c1f") -> bytes:
    found = retry_key(delivery_id, body.encode())
    assert found is not None
    return found.content


def is_same_without_time(body: str) -> bool:
    """Whether *body* is recognised with another timestamp than STAMP."""
    return content(body) == content(body.replace(STAMP, LATER))


def test_missing_delivery_id_has_no_retry_key() -> None:
    assert retry_key(None, b"{}") is None


def test_another_delivery_id_has_another_retry_key() -> None:
    assert retry_key("7c1f", b"{}") != retry_key("8d20", b"{}")


@pytest.mark.parametrize(
    "body",
    [
        f'{{"event": "user.login", {STAMP}, "data": {{}}}}',
        f'{{{STAMP}, "event": "user.login", "data": {{}}}}',
        f'{{"data": {{"a": [{{}}]}}, "event": "user.login", {STAMP}}}',
        f'{{"event": "{{[{{", "data": {{}}, {STAMP}}}',
        f'{{"event": "}}}}", {STAMP}, "data": {{}}}}',
        f'{{"event": "\\"}}", "data": {{"\\\\": 1}}, {STAMP}}}',
        f'{{"data": {{"timestamp": "1970-01-01T00:00:00Z"}}, {STAMP}}}',
        f'{{"data": {{"timestamp": {{"timestamp": ""}}}}, {STAMP}}}',
        f'{{"\\"timestamp": "at", {STAMP}}}',
        f'{{"data": "\\"timestamp\\": \\"at\\"", {STAMP}}}',
        f'{{"data": "timestamp", {STAMP}}}',
        f'\n{{\n\t{STAMP}\n,\n"data": {{}}\n}}\n',
    ],
)
def test_retry_with_new_timestamp_has_the_same_content(body: str) -> None:
    assert is_same_without_time(body)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"data": {{{STAMP}}}}}',
        f'{{"data": [{{{STAMP}}}]}}',
        f'{{"timestamp": "1970-01-01T00:00:00Z", "data": {{{STAMP}}}}}',
        f'{{"data": {{{STAMP}}}, "timestamp": "1970-01-01T00:00:00Z"}}',
        f'{{"data": "{{", "a": {{{STAMP}}}}}',
        f"[{{{STAMP}}}]",
    ],
)
def test_timestamp_inside_the_data_is_content(body: str) -> None:
    assert not is_same_without_time(body)


@given(before=data, after=data)
def test_envelope_timestamp_is_not_content_beside_any_data(before: object, after: object) -> None:
    stamp = "2026-06-06T12:00:00.000Z"
    bodies = [
        json.dumps({"before": before, "timestamp": when, "data": after}, ensure_ascii=False)
        for when in (stamp, stamp.replace("12:00", "12:02"))
    ]
    assert content(bodies[0]) == content(bodies[1])


@given(one=data, other=data)
def test_different_data_is_different_content(one: object, other: object) -> None:
    bodies = [
        json.dumps({"event": "e", "timestamp": "2026-06-06T12:00:00Z", "data": each})
        for each in (one, other)
    ]
    assert (content(bodies[0]) == content(bodies[1])) == (bodies[0] == bodies[1])


@pytest.mark.parametrize(
    "part", ['{"timestamp":""},', '"timestamp":"",', '"\\"timestamp",', "{", '"', '\\"', "[]{}"]
)
def test_time_is_linear_in_the_size_of_the_body(part: str) -> None:
    def seconds(size: int) -> float:
        body = b'{"a":[[' + part.encode() * (size // len(part)) + b']],"timestamp":"x"}'
        start = process_time()
        retry_key("7c1f", body)
        return process_time() - start

    assert min(seconds(1_000_000) for _ in range(2)) < 1


@given(data=finite, first=stamps, second=stamps)
def test_another_timestamp_keeps_the_retry_key(data: object, first: str, second: str) -> None:
    assert retry_key("id", envelope(data, timestamp=first)) == retry_key(
        "id", envelope(data, timestamp=second)
    )


@given(one=finite, other=finite)
def test_other_data_changes_the_retry_key(one: object, other: object) -> None:
    first, second = envelope(one), envelope(other)
    assert (retry_key("id", first) == retry_key("id", second)) == (first == second)


def test_timestamp_in_data_or_longer_name_is_content() -> None:
    inside = [envelope({"timestamp": stamp}) for stamp in ("1", "2")]
    longer = [b'{"a\\"timestamp":"%d","data":1}' % number for number in (1, 2)]
    for first, second in (inside, longer):
        assert retry_key("id", first) != retry_key("id", second)
