"""Deliveries that are lists: the part of a sender's port that splits one into its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BATCH", "Batching", "Item"]

BATCH = "batch"
"""The name of a delivery that is a list; each item has a name of its own."""


class Item(NamedTuple):
    """One event of a list: its name, and the *envelope* that its model validates."""

    event: str
    envelope: Mapping[str, object]


@runtime_checkable
class Batching(Protocol):
    """A sender whose deliveries may be lists of events; optional."""

    def items(self, envelope: Mapping[str, object], /) -> Sequence[Item] | None:
        """Return the events of a delivery that ``parse`` accepted, always in the same order.

        None where the delivery is one event. Pure: an item is identified by its place.
        """
        ...
