"""Find a receiver by its import path: the one way in for workers and for the command line.

A path may also name the program that holds the receiver, or the function that makes that program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import iscoroutinefunction, isfunction, ismethod, signature
from typing import TYPE_CHECKING, TypeGuard, cast

from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.core.routing.router import Router
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "EXTENSION",
    "FACTORY_VARIABLE",
    "ReceiverNotFound",
    "load_receiver",
    "parse_import_path",
    "remember_program",
]

EXTENSION = "florentin_webhooks"
"""The name under which a program's ``extensions`` hold its receiver, as Flask's do."""

FACTORY_VARIABLE = "FLORENTIN_RECEIVER"
"""The variable that names the factory which jobs may have called."""

_NAME = "name the Receiver of that module"

_Factory = Callable[[], object]

_made: dict[_Factory, object] = {}


class ReceiverNotFound(ConfigurationError):
    """Say that an import path leads to no receiver.

    *fact* is what is wrong; *near* the names of the receivers that stand in that module instead.
    """

    def __init__(self, fact: str, hint: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(fact, hint)
        self.near = near


def parse_import_path(path: str) -> tuple[str, str]:
    """Give module and name of *path*, written ``package.module:name``; raises NoReceiver."""
    module, colon, name = path.partition(":")
    words = [*module.split("."), *name.split(".")]
    if not colon or not all(word.isidentifier() for word in words):
        fact = f"{path!r} does not name a receiver as module:name"
        raise ReceiverNotFound(fact, "write package.module:name, as in shop.hooks:hooks")
    return module, name


def load_receiver(path: str, *, typed: bool = True) -> Receiver:
    """Import the receiver at *path*, written ``package.module:name``.

    *path* may name a program that holds one (a Flask app), or a function without parameters
    that makes either, which is called once per process. One that was not *typed* by an operator
    but came with a job calls no function, unless it was called before or the environment names
    *path* in ``FLORENTIN_RECEIVER``: who writes to Redis does not choose what runs here.

    Where the environment names Django's settings, Django is set up first. Raises
    :class:`ReceiverNotFound` where there is none; an error inside the module goes through.
    """
    in_django = set_up_django()
    module, value = _find(path)
    held = _make(value, path, typed=typed) if _is_factory(value) else value
    receiver = _receiver(held)
    if receiver is None:
        raise _no_receiver(path, module, value, held)
    if in_django:
        import_module("florentin_webhooks.django.connections").use_fresh_connections(receiver)
    return receiver


def remember_program(path: str, program: object) -> None:
    """Take *program* for what the factory at *path* made, if it is one; it is not called again."""
    value = _find(path)[1]
    if _is_factory(value):
        _made[value] = program


def _find(path: str) -> tuple[ModuleType, object]:
    """Give the module that *path* names and what stands there; None where nothing does."""
    module_name, name = parse_import_path(path)
    module = _import(module_name)
    value: object = module
    for part in name.split("."):
        value = getattr(value, part, None)
    return module, value


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # Is it the module that was asked for, or one that it imports itself?
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        fact = f"there is no module {error.name!r} in this directory or environment"
        hint = "cd to the directory that holds it, or correct the name"
        raise ReceiverNotFound(fact, hint) from None


def _is_factory(value: object) -> TypeGuard[_Factory]:
    return isfunction(value) or ismethod(value)


def _make(factory: _Factory, path: str, *, typed: bool) -> object:
    if factory not in _made:
        if not typed and os.environ.get(FACTORY_VARIABLE) != path:
            fact = f"a job wants the function {path} called, which this worker was not started for"
            raise ReceiverNotFound(
                fact, f"start it as worker {path}, or set {FACTORY_VARIABLE}={path}"
            )
        _refuse_parameters(factory, path)
        _made[factory] = factory()
    return _made[factory]


def _refuse_parameters(factory: _Factory, path: str) -> None:
    hint = "name a plain function without parameters that calls it"
    if iscoroutinefunction(factory):
        raise ReceiverNotFound(f"{path} is an async function, which nobody here awaits", hint)
    try:
        signature(factory).bind()
    except TypeError as error:
        raise ReceiverNotFound(
            f"{path} cannot be called without arguments ({error})", hint
        ) from None


def _receiver(value: object) -> Receiver | None:
    """Give the receiver that *value* is, or holds as one of its extensions."""
    if isinstance(value, Receiver):
        return value
    held = _extensions(value).get(EXTENSION)
    return held if isinstance(held, Receiver) else None


def _extensions(value: object) -> Mapping[str, object]:
    found = getattr(value, "extensions", None)
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


def _no_receiver(path: str, module: ModuleType, value: object, held: object) -> ReceiverNotFound:
    near = tuple(name for name, each in vars(module).items() if isinstance(each, Receiver))
    kind = type(held).__name__
    if isinstance(getattr(held, "extensions", None), Mapping):
        fact = f"{path} is a program of type {kind} that holds no receiver"
        return ReceiverNotFound(fact, "FlorentinWebhooks().init_app(app), where it is made", near)
    if held is not value:
        fact = f"the function {path} gave no Receiver and no program that holds one, but {kind}"
        return ReceiverNotFound(fact, "have it return one of them", near)
    if isinstance(value, Router):
        fact = f"{path} is of type {kind}, which collects handlers and receives nothing"
        return ReceiverNotFound(
            fact, "name the receiver, the app or the factory that it goes into", near
        )
    if value is None:
        return ReceiverNotFound(
            f"{module.__name__} has no {parse_import_path(path)[1]!r}", _NAME, near
        )
    return ReceiverNotFound(f"{path} is no Receiver but of type {kind}", _NAME, near)


def set_up_django() -> bool:
    """Set Django up where the environment names its settings; says whether it does."""
    return bool(import_module("florentin_webhooks.django.bootstrap").set_up_django())
