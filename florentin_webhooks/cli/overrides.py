"""Values of ``--set PATH=VALUE``, put into the envelope of an event."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, NoReturn, cast

from florentin_webhooks.cli.errors import UsageError

__all__ = ["Override", "apply_override", "parse_override"]

JSON = Any  # What JSON can express.


class Override(NamedTuple):
    """A value and where to put it: ``data.invoice.amount_due=0``."""

    path: tuple[str, ...]
    value: JSON


def parse_override(text: str) -> Override:
    """Return the override of ``path=value``; the value is JSON, or else text."""
    path, equals, value = text.partition("=")
    names = tuple(path.split("."))
    if not equals or not all(names):
        message = f"--set {text[:60]!r} is not PATH=VALUE."
        raise UsageError(message, "Write it as: --set data.invoice.amount_due=0")
    try:
        return Override(names, json.loads(value, parse_constant=_refuse_constant))
    except ValueError:
        return Override(names, value)


def apply_override(envelope: dict[str, JSON], override: Override) -> None:
    """Put the value into *envelope*; missing objects on the way are created."""
    place = envelope
    for number, name in enumerate(override.path[:-1], 1):
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            path = ".".join(override.path[:number])
            message = f"--set {'.'.join(override.path)}: {path} is not an object."
            raise UsageError(message, f"Set all of it as JSON: --set '{path}=...'")
        place = cast("dict[str, JSON]", inner)
    place[override.path[-1]] = override.value


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)
