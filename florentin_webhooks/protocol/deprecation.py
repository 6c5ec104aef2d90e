"""Old names, which warn and work for one more release."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any
from warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RenamedAttribute", "moved_names", "renamed_names", "warn_renamed"]


def warn_renamed(old: str, new: str, *, stacklevel: int = 2) -> None:
    """Warn that *old* is now *new*; *stacklevel* counts from the caller, as in ``warn``."""
    text = f"{old} was renamed to {new}; the old name will be removed in 0.3."
    warn(text, DeprecationWarning, stacklevel=stacklevel + 1)


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """Return a module's ``__getattr__`` that resolves old names to new ones.

    *names* maps each old name to the new one in *module*. Assign the result where type checkers
    do not see it: with a ``__getattr__`` in sight they accept every misspelt name.
    """

    def resolve(name: str) -> object:
        if name not in names:
            message = f"module {module!r} has no attribute {name!r}"
            raise AttributeError(message)
        warn_renamed(f"{module}.{name}", names[name])
        value: object = getattr(sys.modules[module], names[name])
        return value

    return resolve


def moved_names(old: str, new: str) -> Callable[[str], object]:
    """Return the ``__getattr__`` of the module *old*, which resolves its names in *new*."""

    def resolve(name: str) -> object:
        if name.startswith("__"):  # What the import system asks for.
            message = f"module {old!r} has no attribute {name!r}"
            raise AttributeError(message)
        warn_renamed(old, new)
        value: object = getattr(import_module(new), name)
        return value

    return resolve


class RenamedAttribute:
    """The old name of the attribute or method *new*, on a class."""

    def __init__(self, new: str) -> None:
        self._new = new

    def __set_name__(self, owner: type, name: str) -> None:
        self._old = f"{owner.__name__}.{name}"

    def __get__(self, instance: object, owner: type) -> Any:  # Any: of the attribute's own type.
        warn_renamed(self._old, self._new)
        return getattr(owner if instance is None else instance, self._new)

    def __set__(self, instance: object, value: object) -> None:
        warn_renamed(self._old, self._new)
        setattr(instance, self._new, value)
