"""The inspector: what it costs a delivery, its list with many deliveries, and its memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks import dev_memory
from benchmarks.deliveries import SECRET, distinct
from benchmarks.measure import Row, against, paired
from benchmarks.programs import full
from benchmarks.redis_server import server
from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.inspector import Inspector
from florentin_webhooks.inspector.access import Access
from florentin_webhooks.inspector.app import mount_inspector
from florentin_webhooks.inspector.request import PageRequest
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.protocol.headers import HeaderMap

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["inspected", "rows"]

FEW, MANY = 100, 100_000


def inspected(url: str) -> ASGIApp:
    """Return a receiver as an ASGI program, with the inspector in front of it."""
    store = RedisStore(url)
    hooks = Receiver(SECRET, store=store)
    app, _ = full(receiver=hooks)
    return mount_inspector(app, Inspector(hooks), "/_florentin")


def rows(*, quick: bool) -> Iterator[Row]:
    """Return the time of the list with many deliveries, against few, and the memory of dev."""
    many = 1000 if quick else MANY
    with server() as url:
        few = _Shown(url, "few", FEW)
        full_of_them = _Shown(url, "many", many)
        runs = {"few": few.show, "many": full_of_them.show}
        times = paired(runs, 3 if quick else 21, time.thread_time)
        yield Row(
            f"page of the inspector's list with {many:,} deliveries remembered",
            f"with {FEW}",
            against(times["many"], times["few"]),
            "<= 2",
        )
        few.store.close()
        full_of_them.store.close()
    yield from dev_memory.rows(quick=quick)


class _Shown:
    """Pages of a store that remembers *count* deliveries, all with their bodies."""

    def __init__(self, url: str, prefix: str, count: int) -> None:
        self.store = RedisStore(url, prefix=f"{prefix}:", history=count)
        hooks = Receiver(SECRET, store=self.store, name=prefix)
        hooks.on("invoice.created")(_ignore)
        asyncio.run(_fill(hooks, count))
        self._site = Site(Sources([hooks]), Access(None))

    def show(self) -> None:
        headers = HeaderMap({"host": "localhost"})
        asked = PageRequest("GET", "/", headers=headers, client="127.0.0.1")
        assert self._site.respond(asked).body.count(b"<tr id=") == 50


async def _ignore(_event: object) -> None: ...


async def _fill(hooks: Receiver, count: int) -> None:
    """Receive *count* deliveries, a hundred at a time."""
    together = 100
    for _ in range(0, count, together):
        made = distinct(min(count, together))
        replies = await asyncio.gather(*(hooks.areceive(each.headers, each.body) for each in made))
        assert {reply.status for reply in replies} == {200}
    await hooks.aclose()
