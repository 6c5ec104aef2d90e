"""Rows in order of arrival, once each, removed without a trace, and one lease."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from florentin_webhooks import Spool
from florentin_webhooks.spool import file
from tests.support.spooled import names, waiting


def test_deliveries_are_read_in_order_of_arrival(spool: Spool) -> None:
    for name in "cab":
        spool.append(waiting(name))
    assert names(spool) == ["c", "a", "b"]
    assert names(spool, 1, 1) == ["a"]
    spool.remove([1, 3])
    spool.append(waiting("c"))
    assert [entry.number for entry in spool.read(0, 10)] == [2, 4]


def test_same_bytes_wait_once(spool: Spool) -> None:
    for _ in range(3):
        spool.append(waiting())
    assert spool.measure().waiting == 1


def test_removed_body_leaves_no_trace_in_the_files(spool: Spool, path: Path) -> None:
    spool.append(waiting(body=b"personal" * 9_999))
    assert b"personal" in _bytes(path)
    spool.remove([1])
    assert b"personal" not in _bytes(path)
    assert sum(each.stat().st_size for each in path.parent.iterdir()) < 70_000


def test_removed_delivery_leaves_its_room(spool: Spool) -> None:
    for name in "ab":
        spool.append(waiting(name, bytes(100_000)))
    before = spool.measure().size
    spool.remove([1])
    assert before - spool.measure().size > 90_000


def test_lease_belongs_to_one_holder_until_it_expires(spool: Spool) -> None:
    run = spool._connector.run

    def claim(holder: str, now: float) -> bool:
        return run(partial(file.claim, holder=holder, seconds=30, now=now))

    assert claim("a", 1000)
    assert not claim("b", 1000)
    assert not claim("b", 1029)
    assert claim("a", 1029)  # Extends it.
    assert not claim("b", 1058)
    assert claim("b", 1059)
    spool.release("a")
    assert not claim("a", 1060)
    spool.release("b")
    assert claim("a", 1060)
    assert claim("b", 100)  # The clock was set back: a lease is never longer than 30 s.


def _bytes(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.iterdir())
