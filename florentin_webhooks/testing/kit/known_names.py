"""Refuse events and data that a receiver cannot get, before a test passes for a wrong reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import UnknownEvent
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.testing.names import check_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["check_known"]


def check_known(receiver: Receiver[object], event: str, data: Mapping[str, object]) -> None:
    """Raise :class:`ConfigurationError` for an unknown *event* and for unknown keys of *data*.

    An event is known if the sender's catalogue has it or a handler wants it.
    """
    known = receiver.models
    if event not in known and not _is_wanted(receiver, event):
        match = closest_match(event.lower(), known)
        listed = f"Did you mean {match!r}?" if match else f"Use one of: {', '.join(known)}."
        raise ConfigurationError(
            f"There is no event {event!r}.",
            f"{listed if known else 'Register a handler for it.'} To send what you like, sign it: "
            "webhooks.send(webhooks.provider.make(...)).",
        )
    check_data(event, data, known)


def _is_wanted(receiver: Receiver[object], event: str) -> bool:
    router = receiver.router
    if router.matching_patterns(event):
        return True
    takes_unknown = bool(router.match(UnknownEvent, event))
    misspelt = closest_match(event.lower(), receiver.models, 0.85)
    return takes_unknown and misspelt is None
