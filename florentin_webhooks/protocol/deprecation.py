"""Old names, which warn and work for one more release."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["renamed_names"]


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """Return a module's ``__getattr__`` that resolves old names to new ones.

    *names* maps each old name to the new one in *module*. Assign the result where type checkers
    do not see it: with a ``__getattr__`` in sight they accept every misspelt name.
    """

    def resolve(name: str) -> object:
        if name not in names:
            message = f"module {module!r} has no attribute {name!r}"
            raise AttributeError(message)
        text = f"{module}.{name} was renamed to {names[name]}; the old name goes with 0.3."
        warn(text, DeprecationWarning, stacklevel=2)
        value: object = getattr(sys.modules[module], names[name])
        return value

    return resolve
