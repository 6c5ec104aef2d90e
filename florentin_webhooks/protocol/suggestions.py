"""Suggest the intended name for a misspelt one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["closest_match"]


def closest_match(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of *names* that is most like *name*, or None if none is as like as *cutoff*.

    Of two equal names the likeness is 1.
    """
    return next(iter(get_close_matches(name, list(names), n=1, cutoff=cutoff)), None)
