"""Find a receiver by its import path: the one way in for workers and for the command line.

A path may also name the program that holds the receiver, or the function that makes that program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import isroutine
from typing import TYPE_CHECKING, TypeGuard, cast

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.receiver import Receiver

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["EXTENSION", "NoReceiver", "load", "split"]

EXTENSION = "florentin_webhooks"
"""The name under which a program's ``extensions`` hold its receiver, as Flask's do."""


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

    *path* may name a program that holds one (a Flask app), or a function without parameters
    that makes either, which is called once per process. Where the environment names Django's
    settings, Django is set up first. Raises :class:`NoReceiver` where there is none; an error
    inside the module goes through.
    """
    module_name, name = split(path)
    _set_up_django()
    module = _import(module_name)
    value: object = module
    for part in name.split("."):
        value = getattr(value, part, None)
    receiver = _held(_made(value) if _is_factory(value) else value)
    if receiver is None:
        raise _no_receiver(module, name, value)
    return receiver


def _set_up_django() -> None:
    """Set Django up where the environment names its settings, as ``manage.py`` does."""
    if not os.environ.get("DJANGO_SETTINGS_MODULE") or find_spec("django") is None:
        return
    import django  # noqa: PLC0415 - only where it is used.
    from django.apps import apps  # noqa: PLC0415 - the same.

    if not apps.ready:
        django.setup()


def _is_factory(value: object) -> TypeGuard[Callable[[], object]]:
    return isroutine(value)


@cache
def _made(factory: Callable[[], object]) -> object:
    return factory()


def _held(value: object) -> Receiver | None:
    """Give the receiver that *value* is, or holds as one of its extensions."""
    if isinstance(value, Receiver):
        return value
    extensions = getattr(value, "extensions", None)
    if not isinstance(extensions, Mapping):
        return None
    held = cast("Mapping[str, object]", extensions).get(EXTENSION)
    return held if isinstance(held, Receiver) else None


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
