"""Functions that are effects: calls are counted, and not made unless that is wanted."""

from __future__ import annotations

import functools
import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from unittest.mock import MagicMock

from florentin_webhooks.core.loader import parse_import_path
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.testing.effects import effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["NamedEffect", "find_effect", "track_keys"]

_keys: set[str] = set()


class NamedEffect(NamedTuple):
    """A function that is an effect, which is called for real if *call*.

    *references* are the modules and classes that have it, and its name there.
    """

    name: str
    function: Callable[..., Any]  # Any: of the user's program.
    references: tuple[tuple[object, str], ...]
    call: bool = False

    def patch(self) -> None:
        """Count the calls in this process, wherever the function is called from."""
        replacement = _replace(self)
        for owner, name in self.references:
            setattr(owner, name, replacement)


def find_effect(path: str, *, call: bool = False) -> NamedEffect:
    """Return the function at *path*, ``module:name``, which modules may have imported.

    Raises :class:`ConfigurationError` where there is none.
    """
    module, name = parse_import_path(path)
    owner: object = import_module(module)
    *parents, attribute = name.split(".")
    for part in parents:
        owner = getattr(owner, part, None)
    function = getattr(owner, attribute, None)
    if not callable(function):
        raise ConfigurationError(
            f"There is no function {path}.",
            "Name one that your handlers call: --effect shop.billing:charge.",
        )
    return NamedEffect(name, function, ((owner, attribute), *_references(function)), call)


def _references(function: object) -> Iterator[tuple[object, str]]:
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is function:
                yield module, name


def track_keys() -> None:
    """Recognise idempotency keys of deliveries in the arguments of effects."""
    original = Delivery.idempotency_key

    def tracked(self: Delivery, label: str) -> str:
        key = original(self, label)
        _keys.add(key)
        return key

    setattr(Delivery, "idempotency_key", tracked)  # noqa: B010 - hidden from type checkers.


def _replace(named: NamedEffect) -> Callable[..., Any]:
    original = named.function
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def counted_async(*args: object, **kwargs: object) -> object:
            effect(named.name, _find_key((*args, *kwargs.values())))
            return await original(*args, **kwargs) if named.call else MagicMock()

        return counted_async

    @functools.wraps(original)
    def counted(*args: object, **kwargs: object) -> object:
        effect(named.name, _find_key((*args, *kwargs.values())))
        return original(*args, **kwargs) if named.call else MagicMock()

    return counted


def _find_key(arguments: Iterable[object]) -> str:
    """Return the idempotency key among *arguments*, or within their texts, dicts and lists."""
    for argument in arguments:
        if isinstance(argument, str):
            found = next((key for key in _keys if key in argument), "")
        elif isinstance(argument, dict):
            found = _find_key(cast("dict[object, object]", argument).values())
        elif isinstance(argument, list | tuple):
            found = _find_key(cast("list[object]", argument))
        else:
            found = ""
        if found:
            return found
    return ""
