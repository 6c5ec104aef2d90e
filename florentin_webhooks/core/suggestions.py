"""Guess which name was meant by one that is mistyped."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["closest_match"]


def closest_match(name: str, names: Iterable[str]) -> str | None:
    """Give the one of *names* that was most likely meant by *name*."""
    return next(iter(get_close_matches(name, list(names), n=1)), None)
