"""Two receivers with one secret on one store need different names."""

from __future__ import annotations

import gc

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.errors import ConfigurationError

SECRET = "a-secret-of-two-receivers"
URL = "redis://localhost:6390/3"

pytestmark = pytest.mark.one_process


def create_app(url: str = URL) -> Receiver:
    return Receiver(SECRET, store=RedisStore(url))


def test_second_receiver_with_the_same_secret_and_store_is_refused() -> None:
    store = MemoryStore()
    first = Receiver(SECRET, store=store)
    with pytest.raises(ConfigurationError, match=r"test_live_receivers.py:\d+.*name=") as raised:
        Receiver([SECRET, "another-secret-of-theirs"], store=store)
    assert SECRET not in str(raised.value)
    assert first.store is store


@pytest.mark.parametrize(
    ("url", "same"),
    [
        (URL, URL),
        (URL, "redis://a-user:a-password@localhost:6390?db=3"),
        ("redis://localhost", "redis://localhost:6379/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=0"),
    ],
)
def test_second_receiver_on_the_same_server_is_refused(url: str, same: str) -> None:
    first = Receiver(SECRET, store=RedisStore(url))
    with pytest.raises(ConfigurationError, match="the same secret and the same store"):
        Receiver(SECRET, store=same)
    first.close()
    Receiver(SECRET, store=same).close()


def test_receivers_with_different_names_are_distinct() -> None:
    store = MemoryStore()
    receivers = [Receiver(SECRET, store=store, name=name) for name in ("", "crm", "ledger")]
    assert len({each.identity.all_key_ids for each in receivers}) == 3


@pytest.mark.parametrize("name", ["crm\n", "x" * 101, 7])
def test_invalid_name_is_refused(name: object) -> None:
    with pytest.raises(ConfigurationError, match="Set name to a short text"):
        Receiver(SECRET, name=name)  # type: ignore[call-overload]  # as a mistake passes it.


def test_receivers_with_different_secrets_stores_or_prefixes_are_distinct() -> None:
    receivers = [
        Receiver(SECRET, store=RedisStore(URL)),
        Receiver(SECRET + "2", store=RedisStore(URL)),
        Receiver(SECRET, store=RedisStore(URL, prefix="other:")),
        Receiver(SECRET, store=RedisStore("redis://localhost:6390/4")),
        Receiver(SECRET),
        Receiver(SECRET),
    ]
    assert len(receivers) == 6


def test_app_factory_can_be_called_again() -> None:
    apps = [create_app() for _ in range(3)]
    assert len(apps) == 3


def test_receiver_that_nothing_refers_to_does_not_count() -> None:
    gc.disable()
    try:
        first = Receiver(SECRET, store=RedisStore(URL))
        first.on("invoice.created")(lambda _: None)
        first.again = first  # type: ignore[attr-defined]  # a cycle, which only gc ends.
        del first
        Receiver(SECRET, store=RedisStore(URL)).close()
    finally:
        gc.enable()
