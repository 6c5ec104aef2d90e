"""Commands encoded in RESP, and answers decoded from pieces of a stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import InvalidResponse, NoScriptError, ResponseError

from florentin_webhooks.redis.executors.resp import AnswerReader, encode_command
from florentin_webhooks.redis.protocols import Word

WORDS = st.one_of(st.binary(max_size=600), st.text(max_size=300), st.integers())


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.binary(max_size=40)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_command_is_encoded_as_an_array_of_strings(words: list[Word]) -> None:
    raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    assert AnswerReader().feed(encode_command(words)) == [raw]


def encode(value: object) -> bytes:
    """Return *value* as a server sends it."""
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    assert isinstance(value, list)
    return b"*%d\r\n" % len(value) + b"".join(map(encode, value))


@given(st.lists(VALUES, max_size=5), st.data())
def test_answers_are_the_same_in_pieces_of_any_size(
    values: list[object], data: st.DataObject
) -> None:
    stream, reader, found = b"".join(map(encode, values)), AnswerReader(), list[object]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert found == values


@pytest.mark.parametrize(
    ("stream", "answers"),
    [
        (b"+OK\r\n", [b"OK"]),
        (b"_\r\n", [None]),
        (b"*-1\r\n", [None]),
        (b"~2\r\n:1\r\n:2\r\n", [[1, 2]]),
        (b"=7\r\ntxt:abc\r\n", [b"abc"]),
        (b">2\r\n+invalidate\r\n*0\r\n:5\r\n", [5]),
    ],
)
def test_other_kinds_of_answers_are_read(stream: bytes, answers: list[object]) -> None:
    assert AnswerReader().feed(stream) == answers


@pytest.mark.parametrize("text", [b"", b"\r\n", b"a\r\n$1\r\nb", b"\r\n$0\r\n", b"x" * 20_000])
def test_string_arrives_with_its_last_byte(text: bytes) -> None:
    stream, reader = encode(text), AnswerReader()
    early = [answer for byte in stream[:-1] for answer in reader.feed(bytes([byte]))]
    assert (early, reader.feed(stream[-1:])) == ([], [text])
    assert reader.feed(stream * 3 + encode(1)) == [text, text, text, 1]


def test_strings_are_read_where_the_last_one_is_incomplete() -> None:
    stream, reader = encode(b"") + encode(b"done"), AnswerReader()
    assert reader.feed(stream + b"$0\r\n") == [b"", b"done"]
    assert reader.feed(b"\r\n" + stream) == [b"", b"", b"done"]
    assert reader.feed(stream) == [b"", b"done"]


@pytest.mark.parametrize("stream", [b"-NOSCRIPT No script.\r\n", b"!19\r\nNOSCRIPT No script.\r\n"])
def test_error_is_an_answer(stream: bytes) -> None:
    (error,) = AnswerReader().feed(stream)
    assert isinstance(error, NoScriptError)
    (other,) = AnswerReader().feed(b"-ERR no\r\n")
    assert isinstance(other, ResponseError)
    assert str(other) == "ERR no"


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidResponse, match="'H'"):
        AnswerReader().feed(b"HTTP/1.1 400 Bad Request\r\n")
