"""Requeueing and discarding: only with the right."""

from __future__ import annotations

import pytest

from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.mcp.desk import Desk
from florentin_webhooks.testing import Provider
from tests.support.agents import call, desk_of

SECRET = "whsec_0123456789abcdef0123456789abcdef"


class Shop:
    """A receiver whose handler fails until it is corrected."""

    def __init__(self) -> None:
        self.hooks = Receiver(SECRET, store=MemoryStore())
        self.hooks.on("user.login")(self.greet)
        self.is_correct = False
        self.runs = 0

    def greet(self, _: events.UserLogin) -> None:
        self.runs += 1
        if not self.is_correct:
            raise ValueError

    def receive(self) -> str:
        made = Provider(SECRET).make("user.login")
        self.hooks.receive(*made)
        return made.delivery_id


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_of(shop.hooks, writes=True)


def test_without_the_right_there_is_no_tool_that_changes(shop: Shop) -> None:
    delivery = shop.receive()
    for tool in ("requeue_delivery", "discard_delivery", "trigger_event"):
        error = call(desk_of(shop.hooks), tool, delivery=delivery)["error"]
        assert f"Unknown tool: {tool}" in error
    assert shop.runs == 1


def test_corrected_handler_runs_again(shop: Shop, desk: Desk) -> None:
    delivery = shop.receive()
    failed = call(desk, "requeue_delivery", delivery=delivery)
    assert (failed["done"], failed["outcome"]) == (False, "handler-failed")
    assert failed["message"].startswith("Test_changes:Shop.greet") is False
    shop.is_correct = True
    done = call(desk, "requeue_delivery", delivery=delivery)
    assert (done["done"], done["message"]) == (True, "Its handlers are done.")
    assert shop.runs == 3


def test_done_delivery_runs_again_only_on_demand(shop: Shop, desk: Desk) -> None:
    shop.is_correct = True
    delivery = shop.receive()
    refused = call(desk, "requeue_delivery", delivery=delivery)
    assert refused["message"].startswith("All its handlers are done.")
    again = call(desk, "requeue_delivery", delivery=delivery, all_handlers=True)
    assert (again["done"], shop.runs) == (True, 2)


def test_discarded_delivery_counts_as_done(shop: Shop, desk: Desk) -> None:
    delivery = shop.receive()
    (listed,) = call(desk, "list_deliveries")["deliveries"]
    assert call(desk, "discard_delivery", delivery=delivery)["done"] is True
    again = call(desk, "discard_delivery", delivery=listed["fingerprint"])
    assert again["done"] is False
    assert "it is done" in again["message"]
    assert shop.runs == 1
