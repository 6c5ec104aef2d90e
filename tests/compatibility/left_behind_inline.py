"""What must come of each inline delivery that was left behind, in any store."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["INLINE", "Expected"]


class Expected(NamedTuple):
    """The outcome of a delivery and the steps that run, then its outcome when it comes again."""

    outcome: str
    steps: tuple[str, ...] = ()
    outcome_again: str = "duplicate"


INLINE = {
    "done": Expected("duplicate"),
    "failed": Expected("processed", ("audit",)),
    "never-run": Expected("processed", ("greet", "mail", "audit")),
    "running": Expected("processed", ("mail", "audit")),
    "invalid": Expected("invalid-event", (), "invalid-event"),
    "retried": Expected("processed", ("audit",)),
    "stamped-again": Expected("processed", ("audit",)),
    "stamped-again-elsewhere": Expected("processed", ("audit",)),
    "done-stamped-again": Expected("duplicate"),
    "stale": Expected("stale", (), "stale"),
    "latest": Expected("duplicate"),
    "superseded": Expected("processed"),
}
