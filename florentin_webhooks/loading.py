"""Find a receiver by its import path."""

from __future__ import annotations

from importlib import import_module

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.receiver import Receiver

__all__ = ["load"]


def load(path: str) -> Receiver:
    """Import the receiver at *path*, written ``package.module:name``.

    Raises :class:`ConfigurationError` where there is none; an error inside the module goes through.
    """
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        message = f"{path!r} is no import path; write package.module:name, as in shop.hooks:hooks"
        raise ConfigurationError(message)
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        message = f"there is no module {error.name!r}; start in the folder that holds it"
        raise ConfigurationError(message) from None
    found = getattr(module, name, None)
    if not isinstance(found, Receiver):
        what = "nothing" if found is None else type(found).__name__
        message = f"{path} is {what}, not a Receiver; name the Receiver of that module"
        raise ConfigurationError(message)
    return found
