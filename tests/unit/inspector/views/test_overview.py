"""The overview of receivers with and without a queue."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import redis
import rq

from florentin_webhooks import Receiver, RedisStore, RQQueue, Spool, events
from florentin_webhooks.inspector.views.charts import HEIGHT, build_chart
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET, get, shown, site_of


def test_overview_shows_rates_times_and_secrets() -> None:
    hooks = Receiver({"new": SECRET, "old": "an-old-secret-of-the-inspector"}, name="shop")
    site = site_of(hooks)
    hooks.on("user.login")(lambda _: None)
    provider = Provider(SECRET)
    hooks.receive(*provider.make("user.login"))
    hooks.receive(*provider.tamper(provider.make("user.login")))
    text = shown(get(site, "/overview"))
    assert "1 accepted 1 refused 0 failed attempts" in text
    assert "old shop not yet" in text
    assert "No queue: every handler runs inline." in text
    assert "memory of this process answers" in text


def bill(_: events.InvoiceCreated) -> None: ...


def test_overview_shows_queues_and_their_problems(redis_url: str, redis_prefix: str) -> None:
    store = RedisStore(redis_url, prefix=redis_prefix)
    queue = RQQueue("overview", receiver="shop.hooks:hooks")
    hooks = Receiver(SECRET, store=store, queue=queue)
    hooks.on("invoice.created")(bill)
    hooks.receive(*Provider(SECRET).make("invoice.created"))
    text = shown(get(site_of(hooks), "/overview"))
    assert "overview 1 oldest 0 s 0 0 0 0, no scheduler" in text
    assert "1 event is waiting in queue overview, but no worker runs." in text
    assert "RedisStore answers" in text
    store.close()


def test_overview_shows_what_waits_in_the_spool(directory: Path) -> None:
    spool = Spool(directory / "spool.db")
    hooks = Receiver(SECRET, store=RedisStore(f"unix://{directory}/none.sock"), spool=spool)
    hooks.on("user.login")(lambda _: None)
    site = site_of(hooks)
    assert "spool.db 0 0 Bytes of 100.0 MiB" in shown(get(site, "/overview"))
    assert hooks.receive(*Provider(SECRET).make("user.login")).status == 202
    assert "spool.db 1 oldest 0 s" in shown(get(site, "/overview"))
    (directory / "spool.db").rename(directory / "gone.db")
    (directory / "spool.db").mkdir()
    assert "is a folder" in shown(get(site, "/overview"))
    hooks.close()


def test_overview_changes_with_its_queues_alone(redis_url: str, redis_prefix: str) -> None:
    store, name = RedisStore(redis_url, prefix=redis_prefix), f"q-{uuid4().hex[:8]}"
    hooks = Receiver(SECRET, store=store, queue=RQQueue(name, receiver="shop.hooks:hooks"))
    changes = get(site_of(hooks, is_live=True), "/events?of=overview").changes
    assert changes is not None
    before = [changes(), changes()]
    with redis.Redis.from_url(redis_url) as client:
        rq.Queue(name, connection=client, serializer="json").enqueue("shop.hooks.other")
    assert before[0] == before[1] != changes()
    store.close()


@pytest.mark.parametrize("counts", [[], [0, 0], [1, 5, 2]])
def test_bars_of_a_chart_stay_inside(counts: list[int]) -> None:
    chart = build_chart("t", "minute", {"accepted": counts, "failed": counts})
    assert all(bar.y >= 0 and bar.y + bar.height <= HEIGHT + 0.02 for bar in chart.bars)
    assert all(bar.x + bar.width <= chart.width for bar in chart.bars)
    assert len(chart.bars) == 2 * sum(map(bool, counts))
