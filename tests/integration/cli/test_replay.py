"""Replays from the command line print each result and end with 1 if one failed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import pytest

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.cli import prompts, replay
from florentin_webhooks.cli.context import ReceiverContext
from florentin_webhooks.cli.output import Output
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.testing import Provider

SECRET = "a-secret-of-sixteen-and-more"
OLD = Provider(SECRET, clock=lambda: datetime.now(UTC) - timedelta(days=3))


class Shop:
    """A receiver with a handler that fails as long as *broken* says."""

    def __init__(self, url: str) -> None:
        self.broken = True
        self.runs = 0
        self.store = RedisStore(url)
        self.hooks = Receiver(SECRET, store=self.store)
        self.hooks.on("user.login")(self.greet)
        self.context = ReceiverContext("shop:hooks", self.hooks)

    def greet(self, _: object) -> None:
        self.runs += 1
        if self.broken:
            raise ValueError("ada@adabooks.example")

    def received(self, provider: Provider) -> str:
        provider.deliver(self.hooks, "user.login")
        return self.store.execute(ListRecords(1)).records[0].fingerprint


@pytest.fixture
def shop(redis_url: str) -> Iterator[Shop]:
    shop = Shop(redis_url)
    yield shop
    shop.hooks.close()


def replayed(
    shop: Shop, *keys: str, as_json: bool = True, yes: bool = False, code: int = 0
) -> None:
    """Replay *keys*; the command ends with *code*."""
    out = Output(json=as_json, color="never")
    if code == 0:
        replay.replay_all(out, shop.context, keys, all_handlers=False, yes=yes)
        return
    with pytest.raises(click.exceptions.Exit) as ended:
        replay.replay_all(out, shop.context, keys, all_handlers=False, yes=yes)
    assert ended.value.exit_code == code


def test_replayed_delivery_is_processed(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    key = shop.received(Provider(SECRET))
    shop.broken = False
    replayed(shop, key)
    assert json.loads(capsys.readouterr().out) == {
        "fingerprint": key,
        "outcome": "processed",
        "ok": True,
        "reason": None,
        "hint": None,
    }


def test_failed_replay_names_the_handler_and_ends_with_one(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    replayed(shop, shop.received(Provider(SECRET)), as_json=False, code=1)
    shown = capsys.readouterr().out
    assert "handler-failed" in shown
    assert "greet: ValueError" in shown
    assert "adabooks" not in shown


def test_several_replays_are_counted(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    keys = [shop.received(Provider(SECRET)) for _ in range(2)]
    shop.broken = False
    replayed(shop, *keys, "0" * 32, code=1)
    assert capsys.readouterr().err == "2 of 3 replayed.\n"


def test_old_stale_delivery_needs_yes(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    key = shop.received(OLD)
    shop.broken = False
    replayed(shop, key, code=1)
    refused = json.loads(capsys.readouterr().out)
    assert (refused["outcome"], shop.runs) == ("may-have-run", 0)
    assert refused["hint"] == "Add --yes to run it anyway."
    replayed(shop, key, yes=True)
    assert shop.runs == 1


def test_person_can_confirm_an_old_stale_delivery(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shop.received(OLD)
    shop.broken = False
    for module in (prompts, replay):
        monkeypatch.setattr(module, "is_interactive", lambda: True)
    questions: list[str] = []

    def answer(text: str, **_: object) -> bool:
        questions.append(text)
        return True

    monkeypatch.setattr(click, "confirm", answer)
    replayed(shop, key)
    assert shop.runs == 1
    assert questions[0].endswith("Run it anyway?")


def test_beside_a_progress_bar_only_failures_are_printed(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")
    keys = [shop.received(Provider(SECRET)) for _ in range(2)]
    shop.broken = False
    with monkeypatch.context() as patch:
        for stream in (sys.stdout, sys.stderr):
            patch.setattr(stream, "isatty", lambda: True)
        replayed(shop, *keys, "0" * 32, as_json=False, code=1)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["0" * 32]
