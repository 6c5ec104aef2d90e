"""The server's protocol, RESP: encode commands, and decode the answers in a stream of bytes.

redis-py's own connection sets a timer for every answer and takes several calls to encode a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import InvalidResponse, NoScriptError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.redis.protocols import Word

__all__ = ["AnswerReader", "encode_command", "encode_length", "encode_word"]


def encode_command(words: Sequence[Word]) -> bytes:
    """Encode a command in RESP: an array of strings, each after its length."""
    lines = [b"*%d" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode()
        size = len(raw)
        lines += (_LENGTHS[size] if size < _SHORT else b"$%d" % size, raw)
    lines.append(b"")
    return b"\r\n".join(lines)


def encode_word(word: Word) -> bytes:
    """Return *word* as bytes."""
    return word if isinstance(word, bytes) else str(word).encode()


def encode_length(raw: bytes) -> bytes:
    """Return the line that comes before the string *raw*."""
    size = len(raw)
    return _LENGTHS[size] if size < _SHORT else b"$%d" % size


_SHORT = 512
_LENGTHS = [b"$%d" % size for size in range(_SHORT)]

_STRING, _TEXT, _INTEGER, _ERROR, _NULL, _PUSH = b"$+:-_>"
_LONG = frozenset(b"$=!")
"""Kinds whose first line is a length."""
_ARRAYS = frozenset(b"*~>")
"""Kinds whose first line is a number of values."""
_INCOMPLETE = object()
_LARGE = 1 << 14
"""The bytes at which answers are not split: as many as 128 calls have are a quarter of that."""


class AnswerReader:
    """The answers in a stream that arrives in pieces; errors are values.

    Reads what scripts and INFO answer in versions 2 and 3 of the protocol.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._open: list[tuple[list[object], int, int]] = []

    def feed(self, data: bytes) -> list[object]:
        """Return the answers that *data* completes; raises InvalidResponse for other protocols."""
        is_first = self._at == len(self._buffer) and not self._open
        if is_first and len(data) < _LARGE and (strings := _split_strings(data)) is not None:
            return strings
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0
        answers: list[object] = []
        while (value := self._next_value()) is not _INCOMPLETE:
            self._place(value, answers)
        return answers

    def _next_value(self) -> object:
        """Return the next value without its elements, an empty list for an array."""
        end = self._buffer.find(b"\r\n", self._at)
        if end < 0:
            return _INCOMPLETE
        kind, line = self._buffer[self._at], self._buffer[self._at + 1 : end]
        if kind in _LONG:
            return self._read_string(kind, int(line), end + 2)
        self._at = end + 2
        if kind in _ARRAYS:
            if line == b"-1":
                return None
            elements: list[object] = []
            self._open.append((elements, int(line), kind))
            return elements
        return _read_line(kind, line)

    def _read_string(self, kind: int, size: int, start: int) -> object:
        end = start + size
        if size < 0:
            self._at = start
            return None
        if len(self._buffer) < end + 2:
            return _INCOMPLETE
        self._at = end + 2
        value = self._buffer[start:end]
        if kind == _STRING:
            return value
        return _to_error(value) if kind in b"!" else value[4:]  # After "txt:".

    def _place(self, value: object, answers: list[object]) -> None:
        """Add *value* to the innermost open array, and each completed array to the one around."""
        while self._open:
            elements, size, kind = self._open[-1]
            if elements is not value:
                elements.append(value)
            if len(elements) < size:
                return
            self._open.pop()
            value = elements
            if kind == _PUSH:  # A message of the server, not an answer.
                return
        answers.append(value)


def _split_strings(data: bytes) -> list[object] | None:
    """Return the strings that *data* consists of, as nearly all answers do; None for others.

    To read them one by one takes 0.6 of a delivery's 107 us more. A string that contains the end of
    a line is longer than the line, so its length shows that it was split.
    """
    lines = data.split(b"\r\n")
    strings: list[Any] = lines[1::2]  # Any: a list of bytes is not one of objects.
    is_complete = len(lines) % 2 == 1 and not lines[-1]
    if not is_complete or lines[:-1:2] != [b"$%d" % len(each) for each in strings]:
        return None
    return strings


def _read_line(kind: int, line: bytes) -> object:
    if kind == _INTEGER:
        return int(line)
    if kind == _TEXT:
        return line
    if kind == _ERROR:
        return _to_error(line)
    if kind == _NULL:
        return None
    raise InvalidResponse(f"Redis sent an answer of the unknown kind {chr(kind)!a}.")


def _to_error(line: bytes) -> ResponseError:
    text = line.decode(errors="replace")
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)
