"""Read ``--set path=value`` and carry it out on an event's envelope. Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, NoReturn, cast

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.invocation import suggest

__all__ = ["Override", "apply_override", "parse"]

Json = Any  # What JSON can spell.


class Override(NamedTuple):
    """Hold where to put what: ``data.invoice.amount_due=0``."""

    path: tuple[str, ...]
    value: Json


def parse(text: str) -> Override:
    """Read ``path=value``; the value is JSON, or else the text itself."""
    path, equals, value = text.partition("=")
    names = tuple(path.split("."))
    if not equals or not all(names):
        message = f"--set {text[:60]!r} is not path=value"
        raise UsageError(message, "--set data.invoice.amount_due=0")
    try:
        return Override(names, json.loads(value, parse_constant=_refuse))
    except ValueError:
        return Override(names, value)


def apply_override(envelope: dict[str, Json], assignment: Override) -> None:
    """Put the value into *envelope*; objects on the way are made where they are missing."""
    place: Json = envelope
    for number, name in enumerate(assignment.path[:-1], 1):
        place = _enter(place, name, assignment.path[:number])
    _put(place, assignment)


def _enter(place: Json, name: str, so_far: tuple[str, ...]) -> Json:
    if isinstance(place, dict):
        return cast("dict[str, Json]", place).setdefault(name, {})
    if isinstance(place, list):
        members = cast("list[object]", place)
        return members[_index(members, name, so_far)]
    return _no_place(so_far)


def _put(place: Json, assignment: Override) -> None:
    name = assignment.path[-1]
    if isinstance(place, dict):
        cast("dict[str, Json]", place)[name] = assignment.value
    elif isinstance(place, list):
        members = cast("list[object]", place)
        members[_index(members, name, assignment.path)] = assignment.value
    else:
        _no_place(assignment.path)


def _index(members: list[object], name: str, so_far: tuple[str, ...]) -> int:
    if name.isdecimal() and int(name) < len(members):
        return int(name)
    return _no_place(so_far)


def _no_place(path: tuple[str, ...]) -> NoReturn:
    message = f"--set {'.'.join(path)}: there is nothing to set inside {'.'.join(path[:-1])}"
    raise UsageError(message, f"{suggest('events EVENT')}, to see the payload")


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is not JSON"
    raise ValueError(message)
