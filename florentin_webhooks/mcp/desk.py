"""What the tools work on: a receiver that other processes serve, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import WebhookError
from florentin_webhooks.inspector.shared_trail import TrailReader
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.inspector.trail import Trail
from florentin_webhooks.inspector.views.deliveries import Listing, Query
from florentin_webhooks.mcp.answers import Finding, Verification

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.replay import ReplayResult
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["Desk", "Replay", "Rights", "ToolFailure", "Verify"]

Verify = Callable[[Mapping[str, str], bytes, "str | None"], Verification]
"""Checks a captured request: its headers, its body and the URL that the sender called."""


class Replay(Protocol):
    """Runs the unfinished handlers of a delivery, or all of them."""

    def __call__(
        self, fingerprint: str, /, *, all_handlers: bool, though_late: bool
    ) -> ReplayResult:
        """Return the result."""
        ...


_FEWEST = 4
_WHOLE = re.compile("[0-9a-f]{32}")


class ToolFailure(WebhookError):
    """A tool cannot do what it was asked for; the agent reads message and hint."""

    code = "tool-failed"


@dataclass(frozen=True, slots=True)
class Rights:
    """What the tools may do: *writes* change deliveries, *bodies* are personal data.

    *dev_url* is where ``dev`` serves the receiver, empty where nothing may be sent.
    """

    writes: bool = False
    bodies: bool = False
    dev_url: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """A receiver with what the tools need of it.

    *verify*, *doctor* and *replay* are of the command line; the last two import the program again,
    as it is when they are called.
    """

    hooks: Receiver[object]
    verify: Verify
    doctor: Callable[[], Iterable[Finding]]
    replay: Replay
    rights: Rights = Rights()
    trail: Trail = field(default_factory=Trail)
    sources: Sources = field(init=False)
    listing: Listing = field(init=False)
    _reader: TrailReader = field(init=False)

    def __post_init__(self) -> None:
        sources = Sources([self.hooks])
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "listing", Listing(sources, self.trail))
        object.__setattr__(self, "_reader", TrailReader(sources.stores, self.trail))

    def refresh(self) -> None:
        """Read what other processes have done since the last call."""
        self._reader.refresh()

    def find(self, name: str) -> Record:
        """Return the delivery that *name* means: a fingerprint, its beginning, or a delivery id.

        Raises :class:`ToolFailure` for none and for several.
        """
        name = name.strip()
        if len(name) < _FEWEST:
            raise ToolFailure(
                f"{name!r} is too short for a fingerprint.", "Use list_deliveries to find it."
            )
        found = self._find_all(name)
        if len(found) == 1:
            return found[0]
        if not found:
            raise ToolFailure(
                f"There is no delivery {name[:60]!r}: never received, or its record has expired.",
                "Use list_deliveries to find it, or verify_request if it was refused.",
            )
        several = ", ".join(record.fingerprint for record in found[:5])
        raise ToolFailure(f"Several deliveries match {name[:60]!r}: {several}.", "Choose one.")

    def _find_all(self, name: str) -> list[Record]:
        # A whole fingerprint also leads to a record whose body is deleted.
        if _WHOLE.fullmatch(name.lower()) and (record := self._record(name)):
            return [record]
        rows = self.listing.page(Query(text=name)).rows
        matching = [row for row in rows if _means(name, row.path, row.delivery_id)]
        keys = dict.fromkeys(row.path.rpartition("/")[2] for row in matching)
        return [record for key in keys if (record := self._record(key))]

    def _record(self, key: str) -> Record | None:
        return self.hooks.store.execute(GetRecord(bytes.fromhex(key)))


def _means(name: str, path: str, delivery_id: str) -> bool:
    kind, _, key = path.partition("/")
    return kind == "deliveries" and (key.startswith(name.lower()) or delivery_id == name)
