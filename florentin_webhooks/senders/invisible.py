"""Characters of a secret that are not seen: found, named and removed.

Files and clipboards add them: an editor writes a byte order mark, a web page has no-break spaces.
"""

from __future__ import annotations

from unicodedata import category, name

__all__ = ["describe_edges", "describe_invisible", "remove_invisible"]

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CATEGORIES = frozenset({"Cf", "Zs", "Zl", "Zp"})
# Fillers and variation selectors have no form, although Unicode calls them letters and marks.
_FORMLESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, [*range(0x180B, 0x1810), *range(0xFE00, 0xFE10)])
)
_USUAL_NAMES = {"\ufeff": "BYTE ORDER MARK"}


def describe_edges(secret: bytes) -> str | None:
    """Return what is wrong with the ends of *secret*, as in "ends with a newline", or None."""
    if secret == secret.strip():
        return None
    end = secret[len(secret.rstrip()) :]
    newlines = end.count(b"\n") or end.count(b"\r")
    if newlines and not end.strip(b"\r\n") and secret == secret.lstrip():
        return "ends with a newline" if newlines == 1 else f"ends with {newlines} newlines"
    return "has white space around it"


def describe_invisible(secret: bytes) -> str | None:
    """Return which character of *secret* is not seen, and where, or None."""
    if secret.startswith(_UTF_16):
        return "is UTF-16, not UTF-8"
    text = _decode(secret)
    found = next((each for each in text if _is_invisible(each)), None)
    if found is None:
        return None
    places = {"at its beginning": text.startswith(found), "at its end": text.endswith(found)}
    place = next((place for place, is_there in places.items() if is_there), "inside")
    shown = _USUAL_NAMES.get(found) or name(found, "CHARACTER WITHOUT A NAME")
    return f"has an invisible character {place}: {shown} (U+{ord(found):04X})"


def remove_invisible(secret: bytes) -> bytes:
    """Return *secret* as UTF-8 with only what can be seen, without white space around it."""
    if secret.startswith(_UTF_16):
        return secret.decode("utf-16", errors="ignore").strip().encode(errors="ignore")
    text = _decode(secret)
    seen = [each for each in text if each.isprintable() and not _is_invisible(each)]
    return "".join(seen).strip().encode()


def _is_invisible(character: str) -> bool:
    if character == " ":
        return False
    return category(character) in _CATEGORIES or character in _FORMLESS


def _decode(secret: bytes) -> str:
    """Return the text of *secret*, which is empty for a secret of arbitrary bytes."""
    try:
        return secret.decode()
    except UnicodeDecodeError:
        return ""
