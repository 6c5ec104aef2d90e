"""Commands that the server refuses in the middle of a script: nothing is lost, nothing runs twice.

Each right of the documented users is taken away in turn.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import redis

from florentin_webhooks import Delivery
from florentin_webhooks.core.job import process_job
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.events import Event, InvoiceCreated, TeamMemberAdded, UserLogin
from florentin_webhooks.rq.batch.size import BatchSize
from florentin_webhooks.rq.sweeper import requeue_lost
from florentin_webhooks.testing import Provider
from florentin_webhooks.testing.provider import SignedDelivery
from tests.integration.redis.test_least_rights import rules_of
from tests.support.vectors import SECRET
from tests.support.workshop import Workshop, handling_signals_as_before, open_workshop, told_in

USER = "refused"
HANDLERS = {
    "invoice.created": ["bill"],
    "user.login": ["greet"],
    "team_member.added": ["count", "welcome", "mail"],
}


class Limited:
    """A workshop whose user loses one right after the other."""

    def __init__(self, shop: Workshop, administrator: Any) -> None:  # Any: redis-py's.
        self.shop, self._administrator = shop, administrator
        self.provider = Provider(SECRET, clock=shop.clock)
        self.ran: Counter[tuple[str, str]] = Counter()
        for name, event, inline in (
            ("bill", InvoiceCreated, False),
            ("greet", UserLogin, True),
            ("count", TeamMemberAdded, True),
            ("welcome", TeamMemberAdded, True),
            ("mail", TeamMemberAdded, False),
        ):
            self._count(name, event, inline=inline)

    def _count(self, name: str, event: type[Event], *, inline: bool) -> None:
        @self.shop.handles(f"note_{name}", event, inline=inline)
        def note(_event: Event, delivery: Delivery) -> None:
            self.ran[name, delivery.delivery_id or ""] += 1

    @contextmanager
    def without(self, right: str) -> Iterator[None]:
        """Refuse the user one command."""
        self._administrator.execute_command("ACL", "SETUSER", USER, f"-{right}")
        yield
        self._administrator.execute_command("ACL", "SETUSER", USER, f"+{right}")

    def send(self, made: SignedDelivery) -> int:
        return self.shop.hooks.receive(*made).status

    def send_until_accepted(self, made: SignedDelivery) -> None:
        """Send as a sender does, whose waits are longer than a lease."""
        self.expire_leases()
        assert self.send(made) in (200, 202)

    def expire_leases(self) -> None:
        """End every lease now."""
        for key in self._administrator.scan_iter(f"{self.shop.prefix}d*", _type="HASH"):
            for field in self._administrator.hkeys(key):
                if field.startswith(b"u:"):
                    self._administrator.hset(key, field, 1)
        claimed = self.shop.store.schema.claimed(self.shop.queue)
        for entry in self._administrator.zrange(claimed, 0, -1):
            self._administrator.zadd(claimed, {entry: 1})

    def heal(self) -> None:
        """Run the sweeper and the workers, after what RQ waits for a worker that is gone."""
        shop = self.shop
        for _ in range(4):
            self.expire_leases()
            started = shop.rq().started_job_registry.key
            for execution in self._administrator.zrange(started, 0, -1):
                self._administrator.zadd(started, {execution: 1})
            requeue_lost(shop.hooks, shop.rq(), -1)
            shop.work_it_off()


@pytest.fixture
def limited(redis_url: str, redis_prefix: str) -> Iterator[Limited]:
    with redis.Redis.from_url(redis_url) as administrator:
        untyped: Any = administrator
        untyped.execute_command("ACL", "SETUSER", USER, "reset", "on", ">few", "~*", "&*", "+@all")
        url = redis_url.replace("://", f"://{USER}:few@")
        with open_workshop(url, redis_prefix) as shop:
            yield Limited(shop, untyped)
        untyped.execute_command("ACL", "DELUSER", USER)


def rights_of(user: str) -> list[str]:
    """Return the commands of the scripts that the docs grant *user*."""
    granted = [rule[1:] for rule in rules_of(user) if rule.startswith("+")]
    return [each for each in granted if "|" not in each and each not in ("eval", "evalsha")]


def test_delivery_is_neither_lost_nor_doubled_by_a_refused_command(limited: Limited) -> None:
    sent: list[tuple[str, SignedDelivery, bool]] = []
    for right in rights_of("florentin-web"):
        for kind in HANDLERS:
            made = limited.provider.make(kind)
            with limited.without(right):
                first, again = limited.send(made), limited.send(made)
            sent.append((right, made, 200 in (first, again) or 202 in (first, again)))
    for _, made, is_promised in sent:
        if not is_promised:  # Else the sender does not come back.
            limited.send_until_accepted(made)
    limited.heal()
    assert uneven(limited, [made for _, made, _ in sent]) == {}


def test_job_is_neither_lost_nor_doubled_by_a_refused_command(limited: Limited) -> None:
    shop, sent = limited.shop, []
    for right in rights_of("florentin-worker"):
        made = limited.provider.make("invoice.created")
        sent.append(made)
        assert limited.send(made) == 202
        fingerprint = shop.listed()[-1][:32]
        for _ in range(2):
            with limited.without(right), suppress(Unavailable):
                process_job(
                    *(shop.hooks, shop.store, fingerprint, shop.queue),
                    last=False,
                    since=time.monotonic(),
                )
    limited.heal()
    assert uneven(limited, sent) == {}


def test_batch_is_neither_lost_nor_doubled_by_a_refused_command(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchSize, "first", 64)
    shop, sent = limited.shop, []
    with handling_signals_as_before(), shop.connect() as client:
        worker = shop.worker(client)
        for right in rights_of("florentin-worker"):
            sent += [limited.provider.make("invoice.created") for _ in range(2)]
            assert [limited.send(made) for made in sent[-2:]] == [202, 202]
            with limited.without(right), suppress(redis.RedisError):
                run_batch(worker)
            limited.expire_leases()
            worker.return_expired()
    limited.heal()
    assert uneven(limited, sent) == {}


def test_what_ran_before_a_step_was_refused_is_recorded(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker reads the answers to the first steps before the ninth job may begin.
    monkeypatch.setattr(BatchSize, "first", 64)
    sent = [limited.provider.make("invoice.created") for _ in range(16)]
    assert {limited.send(made) for made in sent} == {202}
    with handling_signals_as_before(), limited.shop.connect() as client:
        worker = limited.shop.worker(client)
        with limited.without("sadd"), pytest.raises(redis.RedisError):
            run_batch(worker)
    ran = limited.ran.total()
    assert 8 <= ran < 16
    records = [state_of(limited.shop, made) for made in sent]
    assert records == [State.DONE] * ran + [State.QUEUED] * (16 - ran)


def run_batch(worker: Any) -> None:  # Any: RQ's.
    """Run what waits as one batch; RQ's own record of it may be missing."""
    (queue,) = worker.queues
    batch, _ = queue.source(queue, None) or (None, None)
    if batch is not None:
        worker.perform_job(batch, queue, None)


def uneven(limited: Limited, sent: list[SignedDelivery]) -> dict[str, int]:
    """Return how often handlers ran that did not run once; every delivery must be done."""
    states = {made.delivery_id: state_of(limited.shop, made) for made in sent}
    assert [each for each in sent if states[each.delivery_id] is not State.DONE] == []
    return {
        f"{name} {made.delivery_id}": limited.ran[name, made.delivery_id]
        for made in sent
        for name in HANDLERS[made.event]
        if limited.ran[name, made.delivery_id] != 1
    }


def state_of(shop: Workshop, made: SignedDelivery) -> State:
    reply = shop.hooks.receive(*made)
    assert reply.outcome == "duplicate"
    return shop.record(told_in(reply)).state
