"""Operators list, show, replay and drop deliveries, and see how the queues do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from florentin_webhooks.testing import Provider
from tests.support.command_line import SECRET, error
from tests.support.operated import Operated
from tests.support.waiting import eventually


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def aged(age: timedelta) -> Provider:
    """A provider that stamps what happened some time ago."""
    return Provider(SECRET, clock=lambda: datetime.now(UTC) - age)


def failed(shop: Operated) -> str:
    """The fingerprint of a delivery whose inline handler has failed and is repaired."""
    broken = shop.put("broken")
    shop.provider.deliver(shop.hooks(), "user.login")
    broken.unlink()
    return str(shop.told("deliveries", "list", "--state", "failed")[0]["fingerprint"])


def test_nothing_received_is_told(shop: Operated) -> None:
    result = shop.types("deliveries", "list")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "Nothing was received yet." in result.stderr


def test_deliveries_are_listed_newest_first_and_filtered(shop: Operated) -> None:
    prints = [shop.sent(event) for event in ("user.login", "invoice.created", "tos.accepted")]
    listed = shop.told("deliveries", "list")
    assert [each["fingerprint"] for each in listed] == prints[::-1]
    assert [each["state"] for each in listed] == ["queued", "queued", "done"]
    assert shop.told("deliveries", "list", "--state", "done")[0]["fingerprint"] == prints[0]
    assert len(shop.told("deliveries", "list", "--event", "tos.accepted")) == 1
    assert len(shop.told("deliveries", "list", "--since", "10m", "--limit", "2")) == 2
    assert "is no age" in error(shop.types("deliveries", "list", "--since", "soon"))
    assert f"waits for {shop.module}:bill" in shop.types("deliveries", "list").stdout


def test_many_pages_are_listed_whole(shop: Operated) -> None:
    made = {shop.sent("invoice.created") for _ in range(230)}
    listed = shop.told("deliveries", "list", "--limit", "1000")
    assert {each["fingerprint"] for each in listed} == made


def test_one_is_shown_by_its_beginning_and_its_body_on_request(shop: Operated) -> None:
    fingerprint = shop.sent("invoice.created")
    plain = shop.types("deliveries", "show", fingerprint[:8]).stdout
    assert fingerprint in plain
    assert "amount_due" not in plain
    shown = json.loads(shop.types("deliveries", "show", fingerprint, "--body", "--json").stdout)
    assert shown["body"]["event"] == "invoice.created"
    assert '"amount_due": 4900' in shop.types("deliveries", "show", fingerprint, "--body").stdout


@pytest.mark.parametrize(
    ("word", "told", "code"),
    [
        ("xyz", "is no fingerprint", 2),
        ("0000", "no delivery", 1),
        ("0" * 32, "nothing is known", 1),
    ],
)
def test_what_names_no_delivery_is_told(word: str, told: str, code: int, shop: Operated) -> None:
    result = shop.types("deliveries", "show", word)
    assert told in error(result)
    assert result.exit_code == code


def test_a_failed_delivery_is_done_again(shop: Operated) -> None:
    fingerprint = failed(shop)
    result = shop.types("deliveries", "replay", fingerprint[:10])
    assert (result.exit_code, shop.effects(), shop.states()) == (0, ["greet"], ["done"])
    assert "processed" in result.stdout


def test_all_that_have_failed_are_done_again(shop: Operated) -> None:
    for _ in range(3):
        failed(shop)
    asked = shop.types("deliveries", "replay", "--state", "failed")
    assert "Replay 3 deliveries?" in error(asked)
    assert shop.effects() == []
    replayed = shop.told("deliveries", "replay", "--state", "failed", "--yes")
    assert [each["outcome"] for each in replayed] == ["processed"] * 3
    assert shop.states() == ["done"] * 3


def test_a_handler_that_fails_again_ends_with_one(shop: Operated) -> None:
    fingerprint = failed(shop)
    shop.put("broken")
    result = shop.types("deliveries", "replay", fingerprint)
    assert "handler-failed" in result.stdout
    assert "adabooks" not in result.output
    assert result.exit_code == 1


def test_what_is_done_runs_again_only_if_all_handlers_shall(shop: Operated) -> None:
    fingerprint = shop.sent("user.login")
    result = shop.types("deliveries", "replay", fingerprint)
    assert (result.exit_code, shop.effects()) == (1, ["greet"])
    assert "all its handlers are done" in result.stdout
    result = shop.types("deliveries", "replay", fingerprint, "--all-handlers", "--yes")
    assert (result.exit_code, shop.effects()) == (0, ["greet", "greet"])


def test_what_is_queued_is_done_without_a_replay(shop: Operated) -> None:
    fingerprint = shop.sent("invoice.created")
    assert "it is queued" in shop.types("deliveries", "replay", fingerprint).stdout


def test_a_stale_delivery_is_released(shop: Operated) -> None:
    aged(timedelta(hours=2)).deliver(shop.hooks(), "user.login")
    fingerprint = shop.told("deliveries", "list", "--state", "stale")[0]["fingerprint"]
    assert shop.types("deliveries", "replay", fingerprint).exit_code == 0
    assert shop.effects() == ["greet"]


def test_a_stale_delivery_that_may_have_run_is_not_released_unasked(shop: Operated) -> None:
    aged(timedelta(days=3)).deliver(shop.hooks(), "user.login")
    fingerprint = shop.told("deliveries", "list", "--state", "stale")[0]["fingerprint"]
    refused = shop.types("deliveries", "replay", fingerprint)
    assert "it may have run before; --yes runs it all the same" in " ".join(refused.stdout.split())
    assert (refused.exit_code, shop.effects()) == (1, [])
    assert shop.types("deliveries", "replay", fingerprint, "--yes").exit_code == 0
    assert shop.effects() == ["greet"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name fingerprints or filters"),
        (["--event", "user.login"], "which state"),
        (["--state", "done"], "no handler left"),
        (["0000", "--state", "failed"], "and not both"),
    ],
)
def test_a_vague_replay_is_refused(words: list[str], told: str, shop: Operated) -> None:
    result = shop.types("deliveries", "replay", *words)
    assert told in error(result)
    assert result.exit_code == 2


def test_waiting_events_without_a_worker_are_wrong(shop: Operated) -> None:
    assert shop.types("queue").exit_code == 0
    shop.sent("invoice.created")
    result = shop.types("queue")
    assert "1 event is waiting in queue florentin, but no worker runs" in result.stderr
    assert result.exit_code == 1
    sight = shop.told("queue")[0]
    assert (sight["waiting"], sight["workers"], sight["ok"]) == (1, [], False)


def test_a_dead_event_is_listed_revived_or_dropped(shop: Operated) -> None:
    broken = shop.put("broken")
    with shop.working("--class", "simple") as program:
        first, second = shop.sent("invoice.created"), shop.sent("invoice.created")
        eventually(lambda: len(shop.told("dead", "list")) == 2)
        assert shop.told("queue")[0]["workers"][0]["pid"] == program.process.pid
        told = shop.told("dead", "list")[0]
        assert (told["attempts"], told["queue"]) == (2, "florentin")
        assert told["reason"] == f"{shop.module}:bill: ValueError"
        assert "dead list" in shop.types("queue").stderr

        assert "Drop 1 dead delivery for good?" in error(shop.types("dead", "drop", second))
        assert shop.types("dead", "drop", second, "--yes").exit_code == 0
        assert [each["fingerprint"] for each in shop.told("dead", "list")] == [first]

        broken.unlink()
        assert "accepted" in shop.types("dead", "replay", "--all", "--yes").stdout
        eventually(lambda: shop.effects().count("bill ends") == 1)
        eventually(lambda: shop.states() == ["done"])
        assert program.end() == 0
    assert "Nothing is dead." in shop.types("dead", "drop", "--all", "--yes").stderr
    assert shop.types("queue").exit_code == 0


def test_only_what_is_dead_can_be_dropped(shop: Operated) -> None:
    result = shop.types("dead", "drop", failed(shop), "--yes")
    assert "is not dead" in error(result)
    assert "name fingerprints, or --all" in error(shop.types("dead", "replay"))
