"""The rules of strict JSON, on the decoder of Python: the reference for every other parser.

JSON is not one format: parsers disagree on repeated keys, NaN, infinite numbers, encodings,
surrogates and depth, and where two parts of a program disagree an attacker finds room. So all of
those are refused.
"""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder, dumps
from math import isinf
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from typing import Self

__all__ = ["MAX_DEPTH", "SpelledFloat", "judge", "read_number"]

MAX_DEPTH = 32
"""The deepest nesting of objects and lists. CPython's parser recurses; events need four."""

# The closing quote is optional, so that a string without one is read once and not once per quote.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{\]}]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def judge(body: bytes) -> object:
    """Return the JSON value of *body*.

    Raises ValueError, whose text never quotes the body, unless it is one UTF-8 encoded JSON value
    without repeated keys, NaN, infinite numbers, lone surrogates or more than MAX_DEPTH
    levels.
    """
    _check_depth(body)
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text and _ESCAPED_SURROGATE.search(text):
            _check_surrogates(value)
    except UnicodeDecodeError as error:
        message = f"not UTF-8 at byte {error.start}"
        raise ValueError(message) from None
    except JSONDecodeError as error:
        message = f"not JSON at character {error.pos}"
        raise ValueError(message) from None
    except StrictJSONError:
        raise
    except ValueError:
        message = "a number has more digits than Python reads"
        raise ValueError(message) from None
    return value


class SpelledFloat(float):
    """A float that keeps its digits as text, which pydantic reads for a Decimal field.

    From a plain float, ``10.50`` becomes ``Decimal("10.5")``, and the digits beyond a double's
    precision are lost without an error (findings/decimal-through-float.sh).
    """

    __slots__ = ("_digits",)
    _digits: str

    def __new__(cls, digits: str | float) -> Self:
        """Create the float that *digits* spell."""
        number = super().__new__(cls, digits)
        number._digits = str(digits)
        return number

    def __str__(self) -> str:
        return self._digits


class StrictJSONError(ValueError):
    """A reason from inside the decoder, whose own errors hold the whole document."""


def _check_depth(body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(_STRING.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep"
            raise StrictJSONError(message)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        message = "a key comes twice in one object"
        raise StrictJSONError(message)
    return value


def read_number(digits: str) -> float:
    """Return the number that *digits* spell, with its spelling where a float would lose it.

    Raises ValueError for a number that is too large.
    """
    number = float(digits)
    if isinf(number):
        message = "a number overflows to infinity"
        raise StrictJSONError(message)
    return number if repr(number) == digits else SpelledFloat(digits)


def _reject_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise StrictJSONError(message)


def _check_surrogates(value: object) -> None:
    # An escaped pair is one character; a lone half is a str that cannot be encoded.
    try:
        dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        message = "a lone surrogate is not a character"
        raise StrictJSONError(message) from None


_DECODER = JSONDecoder(
    object_pairs_hook=_object, parse_float=read_number, parse_constant=_reject_constant
)
