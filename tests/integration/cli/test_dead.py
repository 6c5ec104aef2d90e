"""Dead letters are listed, requeued and discarded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import error
from tests.support.operated import Operated
from tests.support.waiting import eventually


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def failed(shop: Operated) -> str:
    """The fingerprint of a failed delivery."""
    broken = shop.put("broken")
    shop.provider.deliver(shop.hooks(), "user.login")
    broken.unlink()
    return str(shop.json("deliveries", "list", "--state", "failed")[0]["fingerprint"])


def test_dead_letter_is_listed_requeued_or_discarded(shop: Operated) -> None:
    broken = shop.put("broken")
    with shop.working("--worker-class", "simple") as program:
        first, second = shop.sent("invoice.created"), shop.sent("invoice.created")
        eventually(lambda: len(shop.json("dead", "list")) == 2)
        assert shop.json("queue")[0]["workers"][0]["pid"] == program.process.pid
        letter = shop.json("dead", "list")[0]
        assert (letter["attempts"], letter["queue"]) == (2, "florentin")
        assert letter["reason"] == f"{shop.module}:bill: ValueError"
        assert "dead list" in shop.types("queue").stderr
        one = shop.types("dead", "list", "--limit", "1")
        younger = second if letter["fingerprint"] == first else first
        assert letter["fingerprint"] in one.stdout
        assert younger not in one.stdout
        assert "These are the oldest 1. For more, add --limit N." in one.stderr

        assert "Discard 1 dead letter for good?" in error(shop.types("dead", "discard", second))
        assert shop.types("dead", "discard", second, "--yes").exit_code == 0
        assert [each["fingerprint"] for each in shop.json("dead", "list")] == [first]

        broken.unlink()
        assert "accepted" in shop.types("dead", "requeue", "--all", "--yes").stdout
        eventually(lambda: shop.effects().count("bill ends") == 1)
        eventually(lambda: shop.states() == ["done"])
        assert program.end() == 0
    assert "There are no dead letters." in shop.types("dead", "discard", "--all", "--yes").stderr
    assert shop.types("queue").exit_code == 0


def test_only_dead_letters_are_discarded(shop: Operated) -> None:
    result = shop.types("dead", "discard", failed(shop), "--yes")
    assert "is not a dead letter" in error(result)
    assert "Name either fingerprints or --all." in error(shop.types("dead", "requeue"))


def test_discarded_letter_is_reported_as_json(shop: Operated) -> None:
    shop.put("broken")
    shop.sent("invoice.created")
    with shop.working("--worker-class", "simple") as program:
        eventually(lambda: len(shop.json("dead", "list")) == 1)
        program.end()
    (result,) = shop.json("dead", "discard", "--all", "--yes")
    assert (result["outcome"], result["ok"]) == ("discarded", True)
    assert shop.json("dead", "list") == []
