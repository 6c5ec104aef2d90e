"""Fields of requests: what they take, and why they refuse."""

from __future__ import annotations

import pytest

from florentin_webhooks.simulator.api.fields import (
    Choice,
    Choices,
    Field,
    Invalid,
    Kind,
    Text,
    Whole,
    read_fields,
)
from florentin_webhooks.simulator.refusal import Refusal

WORDS = Choices(("a", "b"))


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Text(), "x" * 200, "x" * 200),
        (Whole(), 7, 7),
        (Whole(), 7.0, 7),
        (Whole(), "7", 7),
        (Choice(("a", "b")), "b", "b"),
        (WORDS, ["b", "a"], ["b", "a"]),
    ],
)
def test_valid_value_is_read(kind: Kind, value: object, read: object) -> None:
    assert kind.read(value) == read


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Text(), "x" * 201, "at most 200 characters"),
        (Text(3, "[a-z]{3}", "a currency"), "EUR", "must be a currency"),
        (Text(3, "[a-z]{3}", "a currency"), "eu\n", "must be a currency"),
        (Whole(), True, "a whole number"),
        (Whole(), 7.5, "a whole number"),
        (Whole(), "seven", "a whole number"),
        (Whole(1), 0, "between 1 and"),
        (Choice(("a", "b")), "c", "one of: a, b"),
        (WORDS, [], "a list of: a, b"),
        (WORDS, ["a", "a"], "a list of: a, b"),
        (WORDS, ["a", {}], "a list of: a, b"),
        (WORDS, "a", "a list of: a, b"),
    ],
)
def test_invalid_value_is_refused_with_a_reason(kind: Kind, value: object, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        kind.read(value)


def test_optional_fields_may_be_missing_and_others_are_ignored() -> None:
    fields = (Field("email"), Field("name", required=False))
    assert read_fields({"email": "a", "x": 1}, fields) == {"email": "a"}
    with pytest.raises(Refusal, match="email is required"):
        read_fields({"name": "a"}, fields)
    with pytest.raises(Refusal, match="name must be a text"):
        read_fields({"email": "a", "name": None}, fields)
