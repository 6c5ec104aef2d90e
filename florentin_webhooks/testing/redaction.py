"""Replacement of personal data in a captured body by data of the same shape."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

__all__ = ["KEPT", "PERSONAL", "Redaction"]

KEPT = frozenset(
    (
        *("action", "api_version", "currency", "event", "kind", "mode", "object", "plan"),
        *("previous_plan", "role", "state", "status", "timestamp", "type", "unit", "version"),
    )
)
"""Keys whose texts say what happened, without personal data."""

PERSONAL = re.compile(
    r"account_number|address|birth|card|city|coord|fax|iban|ip|lat|latitude|lon|longitude|mobile"
    r"|phone|pin|postal|postcode|ssn|street|tax|vat|zip",
)
"""Words in keys whose numbers are personal, too."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?")
_LETTERS = "abcdefghijkmnpqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Redaction:
    """Rules: every text is replaced, but for times and for those under the keys *kept*.

    Digits become digits and letters become letters, so lengths, prefixes of ids with their
    separators, and forms such as an e-mail address stay. Equal texts become equal texts. The *key*
    must be random and forgotten: with it, guesses could be checked.
    """

    key: bytes
    kept: frozenset[str] = KEPT

    def redact(self, value: object, name: str = "") -> object:
        """Return *value*, of the field *name*, without personal data."""
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            return {each: self.redact(inner, each) for each, inner in fields.items()}
        if isinstance(value, list):
            return [self.redact(each, name) for each in cast("list[object]", value)]
        if isinstance(value, str):
            return self._text(value, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        is_personal = any(PERSONAL.fullmatch(word) for word in re.split(r"[_\W]", name.lower()))
        return self._number(value) if is_personal and name not in self.kept else value

    def _text(self, text: str, name: str) -> str:
        if name in self.kept or _TIME.fullmatch(text):
            return text
        return "".join(map(self._character, text, self._stream(text)))

    def _number(self, number: float) -> object:
        text = self._text(str(number), "")
        return float(text) if "." in text else int(text)

    def _stream(self, text: str) -> bytes:
        """Return as many bytes as *text* has characters, which only the key can produce."""
        blocks = range(len(text) // 32 + 1)
        return b"".join(
            hmac.digest(self.key, b"%d:" % block + text.encode(), "sha256") for block in blocks
        )

    @staticmethod
    def _character(character: str, byte: int) -> str:
        if character.isdigit():
            return str(1 + byte % 9)  # No leading zero.
        if not character.isalpha():
            return character
        letter = _LETTERS[byte % len(_LETTERS)]
        return letter.upper() if character.isupper() else letter
