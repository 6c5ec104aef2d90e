"""How a receiver is put together, and what is refused before anything can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider
from tests.support.shop import SECRET


@pytest.mark.parametrize("secrets", [None, "", b"", [], {}, (), [""], ["   "], [None], 7, "\n"])
def test_no_usable_secret_is_refused(secrets: str) -> None:
    with pytest.raises(ConfigurationError):
        Receiver(secrets)


@pytest.mark.parametrize("secret", ["fifteen-bytes-!", b"short"])
def test_a_short_secret_is_refused(secret: str | bytes) -> None:
    with pytest.raises(ConfigurationError, match="fewer than 16"):
        Receiver(secret)


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f" {SECRET}", f"{SECRET}\t".encode()])
def test_white_space_around_a_secret_is_refused(secret: str | bytes) -> None:
    with pytest.raises(ConfigurationError, match="white space around it"):
        Receiver(secret)


def test_one_weak_secret_among_good_ones_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigurationError, match="new has 5 bytes"):
        Receiver({"old": SECRET, "new": "short"})


@pytest.mark.parametrize("name", ["2026-11", " a name with spaces around it ", "", None, "\ud800"])
def test_a_secret_that_stands_in_the_place_of_its_name_is_not_told(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a mapping is") as refused:
        Receiver({SECRET: name})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "secrets",
    [SECRET, SECRET.encode(), [SECRET], ("another-long-secret", SECRET), {"2026": SECRET}],
)
def test_a_secret_may_be_given_in_any_form(secrets: str) -> None:
    made = Provider(SECRET).make("invoice.created")
    assert Receiver(secrets).receive(*made).outcome is Outcome.IGNORED


def test_a_store_that_forgets_before_the_window_closes_is_refused() -> None:
    store = MemoryStore(retention=timedelta(minutes=20) - timedelta(milliseconds=1))
    with pytest.raises(ConfigurationError, match="raise retention"):
        Receiver(SECRET, store=store)


def test_a_store_that_forgets_when_the_window_closes_will_do() -> None:
    Receiver(SECRET, store=MemoryStore(retention=timedelta(minutes=20)))


def test_a_lease_that_ends_with_the_timeout_is_refused() -> None:
    store = MemoryStore(lease=timedelta(seconds=8))
    with pytest.raises(ConfigurationError, match="raise the lease or lower the timeout"):
        Receiver(SECRET, store=store)


def test_a_lease_that_is_longer_than_the_timeout_will_do() -> None:
    store = MemoryStore(lease=timedelta(seconds=8))
    Receiver(SECRET, store=store, timeout=timedelta(seconds=7.9))


def test_the_environment_gives_a_secret() -> None:
    receiver = Receiver.from_env({"FLORENTIN_WEBHOOK_SECRET": SECRET})
    assert receiver.receive(*Provider(SECRET).make("invoice.created")).outcome is Outcome.IGNORED


def test_the_process_has_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    monkeypatch.delenv("FLORENTIN_REDIS_URL", raising=False)
    assert isinstance(Receiver.from_env().store, MemoryStore)


def test_the_environment_gives_a_redis() -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_REDIS_URL": "redis://localhost"}
    assert isinstance(Receiver.from_env(environ).store, RedisStore)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "FLORENTIN_WEBHOOK_SECRET is not set"),
        ({"FLORENTIN_WEBHOOK_SECRET": ""}, "empty or blank"),
        ({"FLORENTIN_WEBHOOK_SECRET": "short"}, "fewer than 16"),
        ({"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_REDIS_URL": "nonsense"}, "The Redis URL"),
    ],
)
def test_what_is_wrong_in_the_environment_is_said(environ: Mapping[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Receiver.from_env(environ)


def test_without_a_store_one_warning_is_written(caplog: pytest.LogCaptureFixture) -> None:
    receiver, provider = Receiver(SECRET), Provider(SECRET)
    for _ in range(3):
        receiver.receive(*provider.make("invoice.created"))
    assert caplog.text.count("No store is configured") == 1


def test_a_store_of_one_s_own_choice_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    Receiver(SECRET, store=MemoryStore()).receive(*Provider(SECRET).make("invoice.created"))
    assert caplog.records == []


def test_closing_a_receiver_closes_its_store() -> None:
    class Closing(MemoryStore):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    store = Closing()
    Receiver(SECRET, store=store).close()
    assert store.closed == 1
