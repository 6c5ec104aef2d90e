"""Operations that share what processes have seen, for a page that shows all of it.

Only a store that processes share supports them. What is shared is bounded, and never a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from florentin_webhooks.core.stores.base import Operation

__all__ = ["AppendTrail", "ReadTrail", "TrailItem"]


class TrailItem(NamedTuple):
    """An encoded entry of the trail, and its *position*, by which later ones are read."""

    position: str
    entry: bytes


@dataclass(frozen=True, slots=True)
class AppendTrail(Operation[None]):
    """Append *entries* to the trail; the oldest are dropped."""

    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ReadTrail(Operation[tuple[TrailItem, ...]]):
    """Read at most *limit* items of the trail after the position *after*, the oldest first."""

    after: str = ""
    limit: int = 500
