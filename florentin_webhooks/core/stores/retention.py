"""How long a store remembers deliveries: defaults, checks and the unit of the stores."""

from __future__ import annotations

from datetime import timedelta
from warnings import warn

from florentin_webhooks.errors import ConfigurationError

__all__ = [
    "UNFINISHED_RETENTION",
    "milliseconds",
    "resolve_keep",
    "validate_unfinished_retention",
]

UNFINISHED_RETENTION = timedelta(days=30)
"""How long an unfinished delivery is remembered by default: time to repair its handler."""


def milliseconds(span: timedelta) -> int:
    """Return *span* in whole milliseconds."""
    return span // timedelta(milliseconds=1)


def validate_unfinished_retention(unfinished: timedelta, retention: timedelta) -> None:
    """Raise :class:`ConfigurationError` if *unfinished* is shorter than *retention*."""
    if unfinished < retention:
        raise ConfigurationError(
            f"unfinished_retention ({unfinished}) is shorter than retention ({retention}).",
            "Raise unfinished_retention.",
        )


def resolve_keep(keep: timedelta | None, unfinished: timedelta) -> timedelta:
    """Return *keep*, the old name of the argument, with a warning if it is given."""
    if keep is None:
        return unfinished
    text = "keep was renamed to unfinished_retention; the old name goes with 0.3."
    warn(text, DeprecationWarning, stacklevel=3)
    return keep
