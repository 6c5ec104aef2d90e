"""Marks of effects in the outside world, for ``florentin-webhooks prove``."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["effect", "observe_effects"]

_observers: list[Callable[[str, str], None]] = []


def effect(name: str, key: object = "") -> None:
    """Mark that *name* is about to happen in the outside world; does nothing but in ``prove``.

    Effects with the same *key*, such as an idempotency key of the other service, are one.
    """
    for observe in _observers:
        observe(name, str(key))


def observe_effects(observe: Callable[[str, str], None]) -> None:
    """Call *observe* with the name and the key of each effect of this process."""
    _observers.append(observe)
