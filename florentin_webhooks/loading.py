"""Find a receiver by its import path: the one way in for workers and for the command line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.receiver import Receiver

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["NoReceiver", "load", "split"]


class NoReceiver(ConfigurationError):
    """Say that an import path leads to no receiver.

    *fact* is what is wrong; *near* the names of the receivers that stand in that module instead.
    """

    def __init__(self, fact: str, hint: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(f"{fact}; {hint}")
        self.fact = fact
        self.hint = hint
        self.near = near


def split(path: str) -> tuple[str, str]:
    """Give module and name of *path*, written ``package.module:name``; raises NoReceiver."""
    module, colon, name = path.partition(":")
    words = [*module.split("."), *name.split(".")]
    if not colon or not all(word.isidentifier() for word in words):
        fact = f"{path!r} does not name a receiver as module:name"
        raise NoReceiver(fact, "write package.module:name, as in shop.hooks:hooks")
    return module, name


def load(path: str) -> Receiver:
    """Import the receiver at *path*, written ``package.module:name``.

    Raises :class:`NoReceiver` where there is none; an error inside the module goes through.
    """
    module_name, name = split(path)
    module = _import(module_name)
    value: object = module
    for part in name.split("."):
        value = getattr(value, part, None)
    if not isinstance(value, Receiver):
        raise _no_receiver(module, name, value)
    return value


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # Is it the module that was asked for, or one that it imports itself?
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        fact = f"there is no module {error.name!r} in this directory or environment"
        hint = "cd to the directory that holds it, or correct the name"
        raise NoReceiver(fact, hint) from None


def _no_receiver(module: ModuleType, name: str, value: object) -> NoReceiver:
    found = [each for each, held in vars(module).items() if isinstance(held, Receiver)]
    if value is None:
        fact = f"{module.__name__} has no {name!r}"
    else:
        fact = f"{module.__name__}:{name} is no Receiver but of type {type(value).__name__}"
    return NoReceiver(fact, "name the Receiver of that module", tuple(found))
