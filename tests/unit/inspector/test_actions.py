"""What an operator does: a replay or a discard, and the notice of it on the next page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.core.replay import ReplayResult
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.inspector.actions import (
    Notice,
    _describe,
    discard_delivery,
    read_notice,
    replay_delivery,
)
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET, request

UNKNOWN = "00" * 16


class Shop:
    """A receiver that remembers for an hour, and what its handler has run."""

    def __init__(self) -> None:
        store = MemoryStore(retention=timedelta(hours=1))
        store.keep_history(10)
        self.hooks, self.ran = Receiver(SECRET, store=store), list[str]()
        self.hooks.on("user.login")(self.greet)

    def greet(self, event: events.UserLogin) -> None:
        self.ran.append(event.event)

    def deliver(self, age: timedelta) -> str:
        """Deliver a stale event of that age and return its fingerprint."""
        provider = Provider(SECRET, clock=lambda: datetime.now(UTC) - age)
        self.hooks.receive(*provider.make("user.login"))
        (record,) = self.hooks.store.execute(ListRecords(10)).records
        return record.fingerprint


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize("notice", [Notice("Déjà vu; 100 %, a=b"), Notice("1 not done", ok=False)])
def test_notice_reaches_the_next_page_and_ends_there(notice: Notice) -> None:
    name, value = notice.cookie(request("/"))
    pair, *attributes = value.split("; ")
    assert (name, "Max-Age=30" in attributes, " " in pair) == ("Set-Cookie", True, False)
    found, headers = read_notice(request("/", cookie=f"a=b; {pair}"))
    assert found == notice
    ((name, value),) = headers
    assert name == "Set-Cookie"
    assert value.startswith(pair.partition("=")[0] + "=; ")
    assert "Max-Age=0" in value.split("; ")


def test_page_without_a_notice_sets_no_cookie() -> None:
    assert read_notice(request("/")) == (None, ())


def test_long_notice_fits_a_cookie() -> None:
    pair = Notice("n" * 9_999).cookie(request("/"))[1].partition(";")[0]
    found, _ = read_notice(request("/", cookie=pair))
    assert found == Notice("n" * 600)


def test_replay_runs_in_the_context_of_handlers_and_is_logged(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    key, entered = shop.deliver(timedelta(minutes=30)), list[int]()

    @contextmanager
    def context() -> Iterator[None]:
        entered.append(len(shop.ran))
        yield

    shop.hooks.handler_context = context
    assert replay_delivery(shop.hooks, key, {}, None) == Notice("Replayed: it is done.")
    assert (entered, shop.ran) == ([0], ["user.login"])
    assert f"The inspector replays {key}." in caplog.text


@pytest.mark.parametrize(
    ("form", "ok"), [({}, False), ({"late": "no"}, False), ({"late": "yes"}, True)]
)
def test_delivery_that_may_have_run_is_replayed_on_request(
    shop: Shop, form: dict[str, str], *, ok: bool
) -> None:
    key = shop.deliver(timedelta(hours=2))
    assert replay_delivery(shop.hooks, key, form, None).ok is ok
    assert shop.ran == ["user.login"] * ok


def test_delivery_that_is_unknown_is_not_changed(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    replayed = replay_delivery(shop.hooks, UNKNOWN, {}, None)
    discarded = discard_delivery(shop.hooks, UNKNOWN)
    assert (replayed.ok, discarded.ok) == (False, False)
    assert f"The inspector discards {UNKNOWN}." in caplog.text


@pytest.mark.parametrize(
    ("result", "notice"),
    [
        (ReplayResult("", "accepted"), Notice("Queued again: a worker will run it.")),
        (ReplayResult("", "processed"), Notice("Replayed: it is done.")),
        (
            ReplayResult("", "handler-failed", "bill failed", "Repair it."),
            Notice("Not done: Bill failed. Repair it.", ok=False),
        ),
        (ReplayResult("", "malformed", "it is lost"), Notice("Not done: It is lost.", ok=False)),
    ],
)
def test_notice_has_the_reason_and_what_to_do(result: ReplayResult, notice: Notice) -> None:
    assert _describe(result) == notice
