"""Texts in MessagePack."""

from __future__ import annotations

import pytest

from florentin_webhooks.redis.codec.message_pack import pack_texts, unpack_texts

SIZES = [0, 1, 31, 32, 255, 256, 65_535, 65_536]


@pytest.mark.parametrize("size", SIZES)
def test_packed_texts_are_unpacked_as_they_were(size: int) -> None:
    texts = ["first", "x" * size, "ä", "last"]
    assert unpack_texts(pack_texts(texts)) == texts


def test_length_comes_in_the_fewest_bytes() -> None:
    heads = [pack_texts(["x" * size]).rstrip(b"x").hex(" ") for size in SIZES]
    assert heads[:4] == ["a0", "a1", "bf", "d9 20"]
    assert heads[4:] == ["d9 ff", "da 01 00", "da ff ff", "db 00 01 00 00"]
