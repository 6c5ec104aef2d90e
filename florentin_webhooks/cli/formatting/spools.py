"""The facts of a spool, for people or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.formatting.views import Line, Styled, Table
from florentin_webhooks.core.times import format_age, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.formatting.views import View
    from florentin_webhooks.core.spool import SpoolFacts

__all__ = ["spool_fields", "spool_views"]

_MIB = 1024 * 1024


def spool_fields(facts: SpoolFacts, problem: tuple[str, str] | None) -> dict[str, object]:
    """Return the facts of a spool for JSON."""
    return {
        "spool": facts.path,
        "waiting": facts.waiting,
        "oldest_waiting_since": to_iso(facts.oldest),
        "bytes": facts.size,
        "max_bytes": facts.capacity,
        "problems": [problem[0]] if problem else [],
        "ok": problem is None,
    }


def spool_views(facts: SpoolFacts) -> Iterator[View]:
    """Return the facts of a spool for people."""
    oldest = f", the oldest for {format_age(facts.oldest)}" if facts.oldest else ""
    size, capacity = facts.size / _MIB, facts.capacity / _MIB
    yield Line([Styled(f"spool {facts.path}", "bold")])
    yield Table(
        [("waiting", f"{facts.waiting}{oldest}"), ("size", f"{size:.1f} of {capacity:.0f} MiB")]
    )
