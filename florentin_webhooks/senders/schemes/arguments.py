"""Checks of a sender's arguments by their types, since a wrong one could change what is checked.

``"no"`` is true, and a text is a list of its letters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.suggestions import one_text

__all__ = ["require_flags", "require_list", "require_optional_texts", "require_texts"]


def require_texts(**arguments: object) -> None:
    """Raise :class:`ConfigurationError` for an argument that is not a text."""
    for name, value in arguments.items():
        if not isinstance(value, str):
            empty = " or omit it" if value is None else ""
            raise _wrong_type(name, value, "a text", f"Pass {name} as a str{empty}.")


def require_optional_texts(**arguments: object) -> None:
    """Raise :class:`ConfigurationError` for an argument that is neither a text nor None."""
    require_texts(**{name: value for name, value in arguments.items() if value is not None})


def require_flags(**arguments: object) -> None:
    """Raise :class:`ConfigurationError` for an argument that is neither True nor False."""
    for name, value in arguments.items():
        if not isinstance(value, bool):
            hint = f"Pass {name}=True or {name}=False."
            raise _wrong_type(name, value, "True or False", hint)


def require_list(kind: type | tuple[type, ...], what: str, **arguments: object) -> None:
    """Raise :class:`ConfigurationError` for an argument that is not a list of *kind*.

    *what* names the items, such as ``texts``. A tuple or a set is a list, too.
    """
    for name, value in arguments.items():
        if isinstance(value, str):
            raise one_text(name, value)
        hint = f"Pass {name} as a list or a tuple of {what}."
        if not _is_list(value):
            raise _wrong_type(name, value, f"a list of {what}", hint)
        for each in cast("Collection[object]", value):
            if not isinstance(each, kind) or isinstance(each, bool):
                raise _wrong_type(f"An item of {name}", each, f"one of {what}", hint)


def _is_list(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, bytes | Mapping)


def _wrong_type(name: str, value: object, expected: str, hint: str) -> ConfigurationError:
    # The type alone: a value at the wrong place could be a secret.
    found = "None" if value is None else f"of type {type(value).__name__}"
    return ConfigurationError(f"{name} is {found}, not {expected}.", hint)
