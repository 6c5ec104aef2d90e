"""How the bytes of a signature or a key are spelled, read strictly: one spelling for one value."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import unhexlify
from enum import Enum

__all__ = ["Encoding"]


class Encoding(Enum):
    """The spelling of bytes in a header: lower-case hex, or base64 with padding."""

    HEX = "hex"
    BASE64 = "base64"

    def encode(self, value: bytes) -> str:
        """Return *value* as text."""
        return value.hex() if self is Encoding.HEX else b64encode(value).decode()

    def decode(self, text: str) -> bytes:
        """Return the bytes that *text* spells; raises ValueError for any other spelling.

        Upper-case hex is accepted, since senders' own libraries do.
        """
        if self is Encoding.HEX:
            # unhexlify, not bytes.fromhex, which skips white space inside the digits.
            return unhexlify(text)
        value = b64decode(text, validate=True)
        if b64encode(value).decode() != text:
            raise ValueError("not canonical base64")
        return value

    def length(self, size: int) -> int:
        """Return the number of characters that *size* bytes take."""
        return 2 * size if self is Encoding.HEX else -(-size // 3) * 4
