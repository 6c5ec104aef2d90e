"""Forms are read as the standard library does with everything strict."""

from __future__ import annotations

from itertools import product
from urllib.parse import parse_qsl

import pytest

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.senders.schemes.payload import MAX_FIELDS, read_form, read_pairs

PIECES = ["a", "=", "&", "+", "%2B", "%C3%A9", "%C3", "%zz", "é", ";"]


def test_form_is_read_as_by_the_standard_library() -> None:
    for pieces in product(PIECES, repeat=3):
        text = "".join(pieces)
        assert _pairs(text) == _pairs_of_library(text), text


@pytest.mark.parametrize("count", [1, MAX_FIELDS, MAX_FIELDS + 1])
def test_number_of_fields_is_limited(count: int) -> None:
    text = "&".join(["a=1"] * count)
    assert _pairs(text) == _pairs_of_library(text)
    assert (_pairs(text) is None) is (count > MAX_FIELDS)


def test_empty_form_has_no_fields() -> None:
    assert _pairs("") == []


def test_field_that_comes_twice_is_malformed() -> None:
    assert read_form(b"a=1&b=2") == {"a": "1", "b": "2"}
    with pytest.raises(MalformedDelivery, match="a field comes twice in the form"):
        read_form(b"a=1&b=2&a=1")


def _pairs(text: str) -> list[tuple[str, str]] | None:
    try:
        return read_pairs(text.encode())
    except MalformedDelivery:
        return None


def _pairs_of_library(text: str) -> list[tuple[str, str]] | None:
    try:
        text.encode("ascii")
        return parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        return None
