"""Senders that publish the names of their events: optional parts of a sender's port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from florentin_webhooks.senders.base import Sender

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Catalogued", "DocumentsEvents"]

On_co = TypeVar("On_co", covariant=True)


@runtime_checkable
class DocumentsEvents(Protocol):
    """A sender that publishes its events, and may add others at any time."""

    @property
    def documented_events(self) -> Collection[str]:
        """Names of events, or what they begin with before the first dot.

        A name that is almost one of these is refused at its registration. One that ends with
        ``.*`` is no event alone, and is refused without a word after the dot.
        """
        ...


class Catalogued(Sender, Protocol[On_co]):
    """A sender with a closed list of events, of which *On_co* is the type of ``on()``."""

    @property
    def registration(self) -> On_co:
        """For type checkers only."""
        ...
