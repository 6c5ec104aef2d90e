"""The filters of the list, as its URL has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from florentin_webhooks.core.stores.queries import Position, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REFUSED", "Query"]

REFUSED = "refused"
"""The state of requests that are in no store."""

_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Query:
    """The filters of the list, as the URL has them; empty: any."""

    state: str = ""
    event: str = ""
    receiver: str = ""
    text: str = ""
    before: Position | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Query:
        """Return the query of a URL; what cannot be one is left out."""
        state = parameters.get("state", "")
        return cls(
            state if state == REFUSED or state in set(Status) else "",
            parameters.get("event", "").strip()[:_LONGEST_TEXT],
            parameters.get("receiver", ""),
            parameters.get("q", "").strip()[:_LONGEST_TEXT],
            _position(parameters.get("before", "")),
        )

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is set."""
        return bool(self.state or self.event or self.receiver or self.text)

    def url(self, before: Position | None = None) -> str:
        """Return the relative URL of the list with these filters, from *before* on."""
        named = [("state", self.state), ("event", self.event), ("receiver", self.receiver)]
        pairs = [pair for pair in [*named, ("q", self.text)] if pair[1]]
        if before:
            pairs.append(("before", f"{before[0]}-{before[1]}"))
        return f"?{urlencode(pairs)}" if pairs else "./"


def _position(text: str) -> Position | None:
    microseconds, _, name = text.partition("-")
    is_valid = microseconds.isascii() and microseconds.isdigit() and len(microseconds) <= 17  # noqa: PLR2004
    return Position(int(microseconds), name[:40]) if is_valid else None
