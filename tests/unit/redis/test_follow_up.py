"""Calls that name keys which only an earlier answer has named."""

from __future__ import annotations

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis.codec.follow_up import trim_history
from florentin_webhooks.redis.schema import KeySchema

SCHEMA = KeySchema(b"fl:", 1000, 100, 2000, 5)


def test_trim_names_the_key_of_each_record() -> None:
    oldest, newer = b"o" * 16, b"n" * 16
    call = trim_history(SCHEMA, newer + oldest)
    assert call.keys == (b"fl:log", b"fl:done", b"fl:d" + newer, b"fl:d" + oldest)
    assert call.arguments == (1000, newer, oldest)


def test_answer_to_a_trim_is_the_state_before_it() -> None:
    assert trim_history(SCHEMA, b"o" * 16).read(1) is State.DONE
