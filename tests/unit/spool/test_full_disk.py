"""A disk that is full: 503 as before, and what was answered 202 is on it."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

from florentin_webhooks import Spool
from tests.support.spooled import SpooledShop, names

ROOM = 300_000
"""Bytes that a file may have, as for a disk with as much room."""
MOST = 90
LARGE = "n" * 20_000


def test_full_disk_refuses_and_keeps_what_was_answered(path: Path) -> None:
    shop = SpooledShop(path)
    shop.store.away = True
    answered = in_child(lambda: fill(shop))
    accepted = [name for status, name in answered if status == 202]
    assert [status for status, _ in answered[-5:]] == [503, 503, 503, 202, 202]
    assert len(accepted) > 8
    assert names(Spool(path)) == accepted
    shop.store.away = False
    assert shop.drain().outcomes == {"processed": len(accepted)}


def fill(shop: SpooledShop) -> list[tuple[int, str]]:
    """Return the answers while a disk fills up, and to two more when it has room again."""
    answered = list[tuple[int, str]]()

    def send() -> int:
        made = shop.provider.make("invoice.created", invoice={"number": LARGE})
        reply = shop.receiver.receive(*made)
        name = json.loads(reply.body).get("data", {}).get("delivery", "")
        answered.append((reply.status, name))
        return reply.status

    no_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, no_limit[1]))
    # At first SQLite makes room itself, when its log goes into the database.
    while [send(), send(), send()] != [503] * 3 and len(answered) < MOST:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, no_limit)
    send(), send()
    return answered


def in_child(work: Callable[[], object]) -> list[tuple[int, str]]:
    """Return what *work* returns in a forked process, as JSON."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(work(), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = [(int(status), str(name)) for status, name in json.load(pipe)]
    assert os.waitpid(pid, 0)[1] == 0
    return found
