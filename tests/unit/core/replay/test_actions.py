"""Operators who act on a delivery that has changed since they looked, or whose process has died."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.replay import actions
from florentin_webhooks.core.replay.conditions import NotReplayable
from florentin_webhooks.core.stores import memory_history
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords, ResetRecord, Status
from florentin_webhooks.events import Event
from florentin_webhooks.testing import Provider

SECRET = "a-secret-of-the-shop"
Act = Callable[[Receiver[object], str], object]


def replay_all(hooks: Receiver[object], fingerprint: str) -> object:
    return actions.replay(hooks, fingerprint, all_handlers=True)


class Shop:
    """A receiver with an inline handler, which counts its runs and then does *work*."""

    def __init__(self) -> None:
        self.ran, self.now = 0, 0.0
        self.work: Callable[[], object] = int
        self.store = MemoryStore(lease=timedelta(minutes=5), clock=lambda: self.now)
        self.store.keep_history(10)
        self.hooks: Receiver[object] = Receiver(SECRET, store=self.store)
        self.hooks.on(Event)(self.handle)

    def handle(self, _: Event) -> None:
        self.ran += 1
        self.work()

    def deliver(self) -> str:
        made = Provider(SECRET).make("user.login")
        self.hooks.receive(*made)
        return self.hooks.verify(*made)[0].fingerprint

    def status(self, fingerprint: str) -> Status:
        record = self.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        assert record is not None
        return record.status(datetime.now(UTC))


@pytest.mark.parametrize("act", [replay_all, actions.drop])
def test_operator_changes_nothing_that_has_changed_meanwhile(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    shop.work = lambda: 1 / 0
    fingerprint = shop.deliver()
    shop.work = int

    def reset(*arguments: Any) -> ResetRecord:
        assert actions.replay(shop.hooks, fingerprint).outcome == "processed"
        return ResetRecord(*arguments)

    monkeypatch.setattr(actions, "ResetRecord", reset)  # Just before, another operator is faster.
    with pytest.raises(NotReplayable, match="it has changed meanwhile"):
        act(shop.hooks, fingerprint)
    assert shop.ran == 2


@pytest.mark.parametrize(("act", "runs"), [(replay_all, 2), (actions.drop, 1)])
def test_delivery_whose_process_has_died_is_replayed_or_dropped(
    act: Act, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    with monkeypatch.context() as dying:
        dying.setattr(memory_history, "time", lambda: time() - 301)
        dying.setitem(shop.store._steps, Finish, lambda *_: State.LOST)
        fingerprint = shop.deliver()
    shop.now += 301
    assert shop.status(fingerprint) is Status.FAILED
    act(shop.hooks, fingerprint)
    assert (shop.ran, shop.status(fingerprint)) == (runs, Status.DONE)


def test_delivery_that_runs_is_neither_replayed_nor_dropped() -> None:
    shop, refused = Shop(), list[str]()

    def try_both() -> None:
        (record,) = shop.store.execute(ListRecords()).records
        for act in (replay_all, actions.drop):
            with pytest.raises(NotReplayable) as raised:
                act(shop.hooks, record.fingerprint)
            refused.append(raised.value.reason)

    shop.work = try_both
    assert shop.status(shop.deliver()) is Status.DONE
    assert (shop.ran, refused) == (1, ["it is running"] * 2)
