"""The facts of a spool, for people and as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from florentin_webhooks.cli.formatting.renderer import render
from florentin_webhooks.cli.formatting.spools import spool_fields, spool_views
from florentin_webhooks.core.spool import SpoolFacts

EMPTY = SpoolFacts("/var/spool.db", capacity=100 << 20)


def text(facts: SpoolFacts) -> str:
    return "\n".join(render(view, 80, color=False) for view in spool_views(facts))


def test_waiting_deliveries_have_an_age_and_a_size() -> None:
    oldest = datetime.now(UTC) - timedelta(minutes=3, seconds=1)
    facts = EMPTY._replace(waiting=2, oldest=oldest, size=3 << 19)
    assert text(facts).startswith("spool /var/spool.db\n")
    assert "2, the oldest for 3 min" in text(facts)
    assert "1.5 of 100 MiB" in text(facts)


def test_fields_have_the_problem_if_there_is_one() -> None:
    fields = spool_fields(EMPTY, ("The spool is full.", "Make room."))
    assert (fields["ok"], fields["problems"]) == (False, ["The spool is full."])
    assert spool_fields(EMPTY, None)["ok"] is True
