"""Find the import path of a receiver, for workers."""

from __future__ import annotations

import sys

from florentin_webhooks.errors import ConfigurationError

__all__ = ["find_import_path"]

_NO_GLOBALS: dict[str, object] = {}


def find_import_path(receiver: object, preferred: frozenset[str]) -> str:
    """Return the import path of *receiver*, in one of the *preferred* modules if possible.

    Of several names in a module it is the first, as where a command finds them by the module.
    Raises :class:`ConfigurationError` where workers cannot import it.
    """
    paths = [
        (module_name not in preferred, module_name, number, name)
        for module_name, module in list(sys.modules.items())
        if module_name not in ("__main__", "__mp_main__")
        # An entry of sys.modules need not be a module, and None bars an import.
        for number, (name, value) in enumerate(
            list(getattr(module, "__dict__", _NO_GLOBALS).items())
        )
        if value is receiver
    ]
    if not paths:
        raise ConfigurationError(
            "Workers cannot import this receiver: it is not a global of an importable module.",
            'Move it into one, or name it: RQQueue(receiver="shop.hooks:hooks").',
        )
    _, module_name, _, name = min(paths)
    return f"{module_name}:{name}"
