"""Find the import path of a receiver, for workers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from florentin_webhooks.core.routing.handler import Handler

__all__ = ["find_import_path", "modules_of"]

_NO_GLOBALS: dict[str, object] = {}
_MAIN = ("__main__", "__mp_main__")


def modules_of(handlers: Iterable[Handler]) -> frozenset[str]:
    """Return the modules of *handlers*: the receiver is mostly a global of one of them."""
    return frozenset(handler.name.partition(":")[0] for handler in handlers)


def find_import_path(receiver: object, preferred: frozenset[str]) -> str:
    """Return the import path of *receiver*, in one of the *preferred* modules if possible.

    Of several names in a module it is the first, as where a command finds them by the module.
    Only without one there, every module is searched. Raises :class:`ConfigurationError` where
    workers cannot import it.
    """
    paths = _search(receiver, preferred) or _search(receiver, list(sys.modules))
    if not paths:
        raise ConfigurationError(
            "Workers cannot import this receiver: it is not a global of an importable module.",
            'Move it into one, or name it: RQQueue(receiver="shop.hooks:hooks").',
        )
    module_name, _, name = min(paths)
    return f"{module_name}:{name}"


def _search(receiver: object, module_names: Iterable[str]) -> list[tuple[str, int, str]]:
    """Return each module, number and name of a global that is *receiver*."""
    return [
        (module_name, number, name)
        for module_name in module_names
        if module_name not in _MAIN
        # An entry of sys.modules need not be a module, and None bars an import.
        for number, (name, value) in enumerate(
            list(getattr(sys.modules.get(module_name), "__dict__", _NO_GLOBALS).items())
        )
        if value is receiver
    ]
