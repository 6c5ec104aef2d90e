"""How long a store remembers deliveries: defaults, checks and the unit of the stores."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from florentin_webhooks.core.durations import positive_duration
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.deprecation import warn_renamed
from florentin_webhooks.senders.secrets import describe_value

if TYPE_CHECKING:
    from florentin_webhooks.core.durations import Duration

__all__ = [
    "DEFAULT_RETENTION",
    "UNFINISHED_RETENTION",
    "ExtendsRetention",
    "extend_retention",
    "milliseconds",
    "resolve_retention",
    "resolve_unfinished_retention",
    "validate_count",
]

DEFAULT_RETENTION = timedelta(days=1)
"""How long a finished delivery is remembered by default, or longer where its sender needs it."""

UNFINISHED_RETENTION = timedelta(days=30)
"""How long an unfinished delivery is remembered by default: time to repair its handler."""


@runtime_checkable
class ExtendsRetention(Protocol):
    """A store whose default retention follows the needs of its senders; optional."""

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        ...


def extend_retention(store: object, least: timedelta) -> None:
    """Extend the retention of *store* to *least*, where it has its default."""
    if isinstance(store, ExtendsRetention):
        store.extend_retention(least)


def milliseconds(span: timedelta) -> int:
    """Return *span* in whole milliseconds."""
    return span // timedelta(milliseconds=1)


def resolve_retention(retention: Duration | None) -> timedelta:
    """Return *retention* as a timedelta, None as the default."""
    return DEFAULT_RETENTION if retention is None else positive_duration("retention", retention)


def resolve_unfinished_retention(
    unfinished: Duration, keep: Duration | None, retention: timedelta
) -> timedelta:
    """Return *unfinished*, or *keep*, the old name of the argument, as a timedelta.

    Raises :class:`ConfigurationError` if it is shorter than *retention*.
    """
    if keep is not None:
        warn_renamed("keep", "unfinished_retention", stacklevel=3)
        unfinished = keep
    duration = positive_duration("unfinished_retention", unfinished)
    if duration < retention:
        raise ConfigurationError(
            f"unfinished_retention ({duration}) is shorter than retention ({retention}).",
            "Raise unfinished_retention.",
        )
    return duration


def validate_count(name: str, value: object, least: int) -> None:
    """Raise :class:`ConfigurationError` unless the argument *name* is an int of *least* or more."""
    if not isinstance(value, int) or value < least:
        hint = f"Set {name} to a number of deliveries, {least} or more."
        raise ConfigurationError(describe_value(name, value), hint)
