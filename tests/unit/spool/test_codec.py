"""A delivery waits with all that it takes to accept it later."""

from __future__ import annotations

from pathlib import Path

from florentin_webhooks import Spool
from tests.support.spooled import waiting


def test_delivery_is_read_as_it_was_appended(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    (entry,) = Spool(path).read(0, 10)
    assert (entry.number, entry.delivery, entry.problem) == (1, waiting(), "")


def test_damaged_entry_has_a_problem(spool: Spool) -> None:
    spool.append(waiting())
    damage = "UPDATE deliveries SET content = x'00'"
    spool._connector.run(lambda it: it.execute(damage))
    assert spool.read(0, 10)[0].problem == "its content is damaged"
