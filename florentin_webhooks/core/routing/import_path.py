"""Find the import path under which a worker finds a receiver."""

from __future__ import annotations

import sys

from florentin_webhooks.errors import ConfigurationError

__all__ = ["find_import_path"]

_NOTHING: dict[str, object] = {}


def find_import_path(receiver: object, near: frozenset[str]) -> str:
    """Give the import path of *receiver*, in one of the modules *near* it if it stands there.

    Raises :class:`ConfigurationError` where no worker could import it.
    """
    found = [
        (module_name not in near, f"{module_name}:{name}")
        for module_name, module in list(sys.modules.items())
        if module_name not in ("__main__", "__mp_main__")
        # What stands in sys.modules need not be a module, and None bars an import.
        for name, value in list(getattr(module, "__dict__", _NOTHING).items())
        if value is receiver
    ]
    if not found:
        message = (
            "workers cannot import this receiver: it is no global of an importable module; move it "
            'into one, or name it: RQQueue(receiver="shop.hooks:hooks")'
        )
        raise ConfigurationError(message)
    return min(found)[1]
