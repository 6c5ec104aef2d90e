"""What is written to a spool while the store is away, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks import Receiver, Spool
from florentin_webhooks.core.replay import replay
from florentin_webhooks.core.stores.accept import Accept
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.shop import assert_unavailable
from tests.support.spooled import SECRET, SpooledShop


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def shop(path: Path) -> SpooledShop:
    return SpooledShop(path)


def test_only_fresh_genuine_events_reach_the_disk(shop: SpooledShop, path: Path) -> None:
    forged = shop.make()._replace(body=b"{}")
    old = shop.make()
    shop.clock.forward(minutes=16)
    outcomes = {
        Outcome.INVALID_SIGNATURE: forged,
        Outcome.UNAVAILABLE: old,
        Outcome.MALFORMED: shop.provider.sign("user.login", b"[]", delivery_id="1"),
        Outcome.IGNORED: shop.provider.make("user.login"),
    }
    for outcome, made in outcomes.items():
        assert shop.send_away(made).outcome is outcome
    assert not path.exists()


def test_full_spool_answers_503_with_both_reasons(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = SpooledShop(Spool(path, max_bytes=1024 * 1024))
    replies = [
        shop.send_away(shop.provider.make("invoice.created", invoice={"number": "x" * 300_000}))
        for _ in "1234"
    ]
    assert [reply.status for reply in replies] == [202, 202, 202, 503]
    assert_unavailable(replies[-1])
    assert "The store is away. The spool" in caplog.text
    assert shop.drain().outcomes == {"processed": 3}
    assert shop.send().status == 200


def test_replay_is_not_spooled(shop: SpooledShop) -> None:
    shop.failing = True
    shop.send()
    (record,) = shop.store.execute(ListRecords(10)).records
    shop.store.unsure = Accept
    assert replay(shop.receiver, record.fingerprint).outcome is Outcome.UNAVAILABLE
    assert shop.spool.measure().waiting == 0


def test_rehearsal_writes_nothing_to_the_spool(shop: SpooledShop, path: Path) -> None:
    shop.store.away = True
    with shop.receiver.rehearsing(shop.store, shop.clock):
        assert shop.send().status == 503
    assert not path.exists()
    assert shop.send().status == 202


def test_receiver_without_a_spool_answers_503(shop: SpooledShop) -> None:
    hooks = Receiver(SECRET, store=shop.store, clock=shop.clock, name="another")
    hooks.on("invoice.created")(lambda _: None)
    shop.store.away = True
    assert_unavailable(hooks.receive(*shop.make()))
    assert hooks.drain_terms() is None
