"""What is in a genuine body: objects from JSON or a form, names, ids and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import unquote

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.strict_json import loads

__all__ = [
    "MAX_ITEMS",
    "MAX_NAME",
    "check_name",
    "field_at",
    "find_id",
    "find_time",
    "find_time_in_utc",
    "read_form",
    "read_json",
    "read_list",
    "read_pairs",
    "require_objects",
]

_OBJECT: Any = dict  # Any: type checkers narrow an unknown value to a dict of unknown ones.

MAX_NAME = 200
"""The longest event name, and the longest id, that is accepted."""
MAX_FIELDS = 1000
MAX_ITEMS = 5000
"""The most events in one delivery; 768 KB of SendGrid are about 2,000."""
_NUMBERS = (str, int, float)
_MILLISECONDS = 100_000_000_000
"""Numbers above are milliseconds: as seconds they lie beyond the year 5100."""


def read_json(body: bytes) -> Mapping[str, object]:
    """Return the JSON object in *body*; raises :class:`MalformedDelivery`."""
    try:
        value: Any = loads(body)
    except ValueError as error:
        raise MalformedDelivery(str(error)) from None
    if type(value) is not _OBJECT:
        raise MalformedDelivery("not a JSON object")
    return cast("dict[str, object]", value)


def read_list(body: bytes) -> list[dict[str, object]]:
    """Return the JSON objects of the list in *body*; raises :class:`MalformedDelivery`."""
    return require_objects(_load(body))


def require_objects(value: object) -> list[dict[str, object]]:
    """Return *value* if it is a list of JSON objects; raises :class:`MalformedDelivery`."""
    items = cast("list[object]", value)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in items):
        raise MalformedDelivery("not a list of JSON objects")
    return cast("list[dict[str, object]]", items)


def _load(body: bytes) -> object:
    try:
        return loads(body)
    except ValueError as error:
        raise MalformedDelivery(str(error)) from None


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form in *body*; raises :class:`MalformedDelivery`.

    A name that comes twice is refused, since parsers disagree on which one counts.
    """
    pairs = read_pairs(body)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedDelivery("a field comes twice in the form")
    return fields


def read_pairs(body: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a form in *body*; raises :class:`MalformedDelivery`.

    As ``urllib.parse.parse_qsl`` with all that is strict, in half of its time.
    """
    if body.count(b"&") >= MAX_FIELDS:
        raise MalformedDelivery("not a form")
    pairs: list[tuple[str, str]] = []
    try:
        for part in body.decode("ascii").replace("+", " ").split("&") if body else ():
            name, value = part.split("=", 1)
            if "%" in part:
                name, value = unquote(name, errors="strict"), unquote(value, errors="strict")
            pairs.append((name, value))
    except ValueError:  # Also UnicodeDecodeError.
        raise MalformedDelivery("not a form") from None
    return pairs


def field_at(payload: Mapping[str, object], path: str) -> object:
    """Return the value at a dotted *path* of *payload*, None where there is none."""
    if "." not in path:
        return payload.get(path)
    key, _, rest = path.partition(".")
    value = payload.get(key)
    return field_at(cast("dict[str, object]", value), rest) if isinstance(value, dict) else None


def check_name(value: object, field: str, what: str = "the name of an event") -> str:
    """Return *value* if it is *what* is in *field*; raises :class:`MalformedDelivery`."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise MalformedDelivery(f"{field} is not {what}")
    return value


def find_id(value: object) -> str | None:
    """Return *value* as an id, None if it cannot be one."""
    text = str(value) if type(value) is int else value
    is_id = isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isprintable()
    return cast("str", text) if is_id else None


def find_time(value: object) -> datetime | None:
    """Return the instant that *value* is: Unix seconds or milliseconds, or ISO 8601 with offset."""
    try:
        if type(value) is int and value <= _MILLISECONDS:  # As below, in half of the time.
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str) and not value.isdigit():
            time = datetime.fromisoformat(value)
            if time.tzinfo is UTC:
                return time
            return time.astimezone(UTC) if time.tzinfo else None
        if isinstance(value, _NUMBERS) and not isinstance(value, bool):
            number = float(value)
            return datetime.fromtimestamp(number / (1000 if number > _MILLISECONDS else 1), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def find_time_in_utc(value: object) -> datetime | None:
    """Return the instant that *value* is, in UTC where it has no offset."""
    return find_time(value) or (find_time(f"{value}Z") if isinstance(value, str) else None)
