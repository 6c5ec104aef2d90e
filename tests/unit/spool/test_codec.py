"""A delivery waits with all that it takes to accept it later."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks import Spool
from tests.support.spooled import waiting


def test_delivery_is_read_as_it_was_appended(spool: Spool, path: Path) -> None:
    spool.append(waiting())
    (entry,) = Spool(path).read(0, 10)
    assert (entry.number, entry.delivery, entry.problem) == (1, waiting(), "")


@pytest.mark.parametrize("content", [b"\x00", b"{}", b"7"])
def test_damaged_entry_has_a_problem(spool: Spool, content: bytes) -> None:
    spool.append(waiting())
    damage = "UPDATE deliveries SET content = ?"
    spool._connector.run(lambda it: it.execute(damage, (content,)))
    assert spool.read(0, 10)[0].problem == "its content is damaged"
