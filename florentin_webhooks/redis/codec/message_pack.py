"""Texts in MessagePack, which the scripts of every server decode: a third of JSON's time.

Only strings, one after another: the fields and values of a hash.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["pack_texts", "unpack_texts"]

_SHORT, _BYTE, _TWO_BYTES, _FOUR_BYTES = 0xA0, 0xD9, 0xDA, 0xDB
_LENGTHS = {_BYTE: 1, _TWO_BYTES: 2, _FOUR_BYTES: 4}
"""How many bytes the length takes, after the byte of the kind."""


def pack_texts(texts: Iterable[str]) -> bytes:
    """Encode *texts* one after another."""
    return b"".join(_pack(text.encode()) for text in texts)


def unpack_texts(packed: bytes) -> list[str]:
    """Return the texts that :func:`pack_texts` has encoded."""
    texts: list[str] = []
    at = 0
    while at < len(packed):
        kind = packed[at]
        width = _LENGTHS.get(kind, 0)
        start = at + 1 + width
        size = int.from_bytes(packed[at + 1 : start]) if width else kind - _SHORT
        at = start + size
        texts.append(packed[start:at].decode())
    return texts


def _pack(raw: bytes) -> bytes:
    size = len(raw)
    if size < 1 << 5:
        return bytes((_SHORT + size,)) + raw
    kind = _BYTE if size < 1 << 8 else _TWO_BYTES if size < 1 << 16 else _FOUR_BYTES
    return bytes((kind,)) + size.to_bytes(_LENGTHS[kind]) + raw
