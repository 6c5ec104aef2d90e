"""Which deliveries are the same one: by their bytes, and by id and content without the time."""

from __future__ import annotations

import json
from hashlib import sha256
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from florentin_webhooks.protocol.fingerprint import fingerprint, retry_key

STAMP = '"timestamp": "2026-06-06T12:00:00.000Z"'
LATER = STAMP.replace("12:00", "12:02")
texts = st.text(alphabet='ab"\\{}[]:,ü\n ')
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


def same_but_for_the_time(body: str) -> bool:
    """Whether *body* is recognised when it was stamped anew, where it says STAMP."""
    return content(body) == content(body.replace(STAMP, LATER))


def test_a_fingerprint_is_half_of_the_sha_256_of_the_body() -> None:
    assert fingerprint(b"{}") == sha256(b"{}").digest()[:16]


@given(body=st.binary(), other=st.binary())
def test_two_bodies_have_one_fingerprint_only_where_they_are_equal(
    body: bytes, other: bytes
) -> None:
    assert (fingerprint(body) == fingerprint(other)) == (body == other)


def test_without_a_delivery_id_there_is_no_trace() -> None:
    assert retry_key(None, b"{}") is None


def test_another_delivery_id_is_another_trace() -> None:
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
def test_a_retry_that_was_stamped_anew_has_the_same_content(body: str) -> None:
    assert same_but_for_the_time(body)


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
def test_a_time_inside_the_data_is_content(body: str) -> None:
    assert not same_but_for_the_time(body)


@given(before=data, after=data)
def test_whatever_stands_around_it_the_envelopes_time_is_no_content(
    before: object, after: object
) -> None:
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
def test_the_time_it_takes_grows_no_faster_than_the_body(part: str) -> None:
    def seconds(size: int) -> float:
        body = b'{"a":[[' + part.encode() * (size // len(part)) + b']],"timestamp":"x"}'
        start = process_time()
        retry_key("7c1f", body)
        return process_time() - start

    assert min(seconds(1_000_000) for _ in range(2)) < 1
