"""Suggest what was meant: the name that is like a misspelt one, an extra, a list."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["closest_match", "missing_extra", "one_text"]


def closest_match(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of *names* that is most like *name*, or None if none is as like as *cutoff*.

    Of two equal names the likeness is 1.
    """
    return next(iter(get_close_matches(name, list(names), n=1, cutoff=cutoff)), None)


def missing_extra(
    missing: ModuleNotFoundError, module: str, library: str, extra: str = ""
) -> ModuleNotFoundError:
    """Return the error to raise where *missing* says that an optional *library* is.

    It names the *extra* to install, by default the name of *module*. A module that *library* or
    we miss is another error, and returned as it is.
    """
    if missing.name != module:
        return missing
    command = f'pip install "florentin-webhooks[{extra or module}]"'
    message = f"{library} is not installed. Install it: {command}"
    return ModuleNotFoundError(message, name=module)


def one_text(option: str, value: str) -> ConfigurationError:
    """Return the error for one text where *option* takes several: each letter would be one."""
    message = f"{option}={value!r} is one text, not several names."
    return ConfigurationError(message, f"Pass {option}=[{value!r}].")
