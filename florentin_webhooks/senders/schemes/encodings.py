"""How the bytes of a signature or a key are spelled, read strictly: one spelling for one value."""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64, b2a_base64, unhexlify
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Encoding"]


class Encoding(Enum):
    """The spelling of bytes in a header: lower-case hex, or base64 with padding."""

    HEX = "hex"
    BASE64 = "base64"

    def encode(self, value: bytes) -> str:
        """Return *value* as text."""
        return value.hex() if self is Encoding.HEX else b64encode(value).decode()

    def decode(self, text: str | bytes) -> bytes:
        """Return the bytes that *text* spells; raises ValueError for any other spelling.

        Upper-case hex is accepted, since senders' own libraries do.
        """
        return self.decoder(text)

    @property
    def decoder(self) -> Callable[[str | bytes], bytes]:
        """The function behind :meth:`decode`, for many calls."""
        # unhexlify, not bytes.fromhex, which skips white space inside the digits.
        return unhexlify if self is Encoding.HEX else _decode_base64

    def length(self, size: int) -> int:
        """Return the number of characters that *size* bytes take."""
        return 2 * size if self is Encoding.HEX else -(-size // 3) * 4


def _decode_base64(text: str | bytes) -> bytes:
    value = a2b_base64(text)
    spelled = text.encode("ascii", "replace") if isinstance(text, str) else text
    # Some texts spell the same bytes; only one of them is what an encoder returns.
    if b2a_base64(value, newline=False) != spelled:
        raise ValueError("not canonical base64")
    return value
