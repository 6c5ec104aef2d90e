"""The loader: it finds a receiver by its import path, for workers and for the command line.

A path may also name the program that holds the receiver, or the function that creates that program.
"""

from __future__ import annotations

import os
import sys
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
    "find_loaded_receiver",
    "find_receivers",
    "load_receiver",
    "parse_import_path",
    "receiver_of",
    "remember_program",
    "set_up_django",
]

EXTENSION = "florentin_webhooks"
"""The key of a program's receiver in its ``extensions``, as in Flask."""

FACTORY_VARIABLE = "FLORENTIN_RECEIVER"
"""The variable that names the factories which jobs may call, between blanks."""

_Factory = Callable[[], object]

_programs: dict[_Factory, object] = {}


class ReceiverNotFound(ConfigurationError):
    """An import path without a receiver.

    *candidates* are the names of the receivers in the same module.
    """

    def __init__(self, message: str, hint: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


def parse_import_path(path: str) -> tuple[str, str]:
    """Return module and name of *path*, ``package.module:name``; raises ReceiverNotFound."""
    module, colon, name = path.partition(":")
    words = [*module.split("."), *name.split(".")]
    if not colon or not all(word.isidentifier() for word in words):
        raise ReceiverNotFound(
            f"{path!r} is not an import path.", "Write package.module:name, as in shop.hooks:hooks."
        )
    return module, name


def load_receiver(path: str, *, trusted: bool = True) -> Receiver[object]:
    """Import the receiver at *path*, ``package.module:name``.

    *path* may name a program that holds one (a Flask app), or a function without parameters
    that creates either, which is called once per process. A path that is not *trusted*, since it
    came with a job, calls no function, unless it was called before or the environment names
    *path* in ``FLORENTIN_RECEIVER``: write access to Redis must not choose what runs here.

    If the environment names Django's settings, Django is set up first. Raises
    :class:`ReceiverNotFound`; an error inside the module propagates.
    """
    in_django = set_up_django()
    module, value = _import_value(path)
    program = _call_factory(value, path, trusted=trusted) if _is_factory(value) else value
    receiver = receiver_of(program)
    if receiver is None:
        raise _not_found(path, module, value, program)
    if in_django:
        import_module("florentin_webhooks.django.connections").use_fresh_connections(receiver)
    return receiver


def find_receivers(module_name: str) -> list[str]:
    """Import a module and return the import path of each receiver with a queue in it."""
    set_up_django()
    found: dict[int, str] = {}
    for name, value in vars(_import(module_name)).items():
        if isinstance(value, Receiver) and value.queue is not None:
            found.setdefault(id(cast("object", value)), f"{module_name}:{name}")
    return list(found.values())


def find_loaded_receiver(path: str) -> Receiver[object] | None:
    """Return the receiver at *path* if it is in this process already; imports and calls nothing."""
    try:
        module_name, name = parse_import_path(path)
    except ReceiverNotFound:
        return None
    value: object = sys.modules.get(module_name)
    for part in name.split("."):
        value = getattr(value, part, None)
    return receiver_of(_programs.get(value) if _is_factory(value) else value)


def remember_program(path: str, program: object) -> None:
    """Register *program* as the result of the factory at *path*, which is then not called again."""
    value = _import_value(path)[1]
    if _is_factory(value):
        _programs[value] = program


def set_up_django() -> bool:
    """Set Django up if the environment names its settings; return whether it does."""
    return bool(import_module("florentin_webhooks.django.bootstrap").set_up_django())


def _import_value(path: str) -> tuple[ModuleType, object]:
    """Return the module in *path* and its value at the name, None without one."""
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
        # Is it the module of the path, or one that it imports itself?
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ReceiverNotFound(
            f"Module {error.name!r} was not found in this directory or environment.",
            "Change to the directory that holds it, or correct the name.",
        ) from None


def _is_factory(value: object) -> TypeGuard[_Factory]:
    return isfunction(value) or ismethod(value)


def _call_factory(factory: _Factory, path: str, *, trusted: bool) -> object:
    if factory not in _programs:
        if not trusted and path not in os.environ.get(FACTORY_VARIABLE, "").split():
            raise ReceiverNotFound(
                f"A job names the function {path}, which this worker may not call.",
                f"Start it as worker {path}, or set {FACTORY_VARIABLE}={path}.",
            )
        _validate_factory(factory, path)
        _programs[factory] = factory()
    return _programs[factory]


def _validate_factory(factory: _Factory, path: str) -> None:
    hint = "Name a plain function without parameters that calls it."
    if iscoroutinefunction(factory):
        raise ReceiverNotFound(f"{path} is an async function, which cannot be called here.", hint)
    try:
        signature(factory).bind()
    except TypeError as error:
        message = f"{path} cannot be called without arguments ({error})."
        raise ReceiverNotFound(message, hint) from None


def receiver_of(value: object) -> Receiver[object] | None:
    """Return *value* if it is a receiver, else the receiver in its extensions."""
    if isinstance(value, Receiver):
        return cast("Receiver[object]", value)
    found = (_extensions_of(value) or {}).get(EXTENSION)
    return cast("Receiver[object]", found) if isinstance(found, Receiver) else None


def _extensions_of(value: object) -> Mapping[str, object] | None:
    extensions = getattr(value, "extensions", None)
    return cast("Mapping[str, object]", extensions) if isinstance(extensions, Mapping) else None


def _not_found(path: str, module: ModuleType, value: object, program: object) -> ReceiverNotFound:
    candidates = tuple(name for name, each in vars(module).items() if isinstance(each, Receiver))
    return ReceiverNotFound(*_explain(path, module, value, program), candidates)


def _explain(path: str, module: ModuleType, value: object, program: object) -> tuple[str, str]:
    """Return what *path* leads to instead of a receiver, and what to do."""
    kind = type(program).__name__
    define = f"Create one in {module.__name__}: hooks = Receiver(...)."
    if _extensions_of(program) is not None:
        message = f"{path} leads to a program of type {kind} without a receiver."
        return message, "Call FlorentinWebhooks().init_app(app) where it is created."
    if program is not value:
        message = f"The function {path} returned neither a Receiver nor its program, but {kind}."
        return message, "Return one of them."
    if isinstance(value, Router):
        message = f"{path} is of type {kind}, which has handlers but receives nothing."
        return message, "Name the receiver, the app or the factory that includes it."
    if value is None:
        return f"{module.__name__} has no {parse_import_path(path)[1]!r}.", define
    return f"{path} is not a Receiver but of type {kind}.", define
