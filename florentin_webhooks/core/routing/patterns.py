"""Names of events with wildcards: ``invoice.*`` matches ``invoice.paid``.

A star replaces one or more whole words between dots, at any place of the name.
"""

from __future__ import annotations

import re
from functools import cache

from florentin_webhooks.errors import ConfigurationError

__all__ = ["is_pattern", "matches", "validate_name"]

_NAME = re.compile(r"[^\s*]+")
_PATTERN = re.compile(r"(?:\*|[^\s*.]+)(?:\.(?:\*|[^\s*.]+))*")


def is_pattern(name: str) -> bool:
    """Return whether *name* has a wildcard."""
    return "*" in name


def matches(pattern: str, name: str) -> bool:
    """Return whether the event *name* matches *pattern*."""
    return _compile(pattern).fullmatch(name) is not None


def validate_name(name: str) -> None:
    """Raise :class:`ConfigurationError` for a name or a pattern that no event can have."""
    if not (_PATTERN if is_pattern(name) else _NAME).fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not the name of an event.",
            'Write a name without blanks, or a star for whole words, as in "invoice.*".',
        )


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    words = (r".+" if word == "*" else re.escape(word) for word in pattern.split("."))
    return re.compile(r"\.".join(words), re.DOTALL)
