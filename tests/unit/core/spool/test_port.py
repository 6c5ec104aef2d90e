"""The facts of a spool: whether it has room."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks import Spool
from florentin_webhooks.core.spool import DeliverySpool, SpoolFacts


@pytest.mark.parametrize(
    ("facts", "has_room"),
    [
        (SpoolFacts("/s", size=94, capacity=100), True),
        (SpoolFacts("/s", size=95, capacity=100), False),
        (SpoolFacts("/s", size=0, capacity=100, error="It is lost."), False),
    ],
)
def test_spool_that_is_nearly_full_has_no_room(facts: SpoolFacts, has_room: bool) -> None:
    assert facts.has_room is has_room


def test_spool_of_ours_fits_the_port(tmp_path: Path) -> None:
    assert isinstance(Spool(tmp_path / "spool.db"), DeliverySpool)
