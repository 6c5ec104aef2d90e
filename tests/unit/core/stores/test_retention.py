"""How long stores remember deliveries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import Store
from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_unfinished_retention,
    validate_count,
)
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders import GitHub, Stripe
from tests.support.django_settings import configure
from tests.support.stores import accept, finish

pytestmark = pytest.mark.one_process
DAY = timedelta(days=1)


def test_milliseconds_are_whole() -> None:
    assert milliseconds(timedelta(seconds=1.5, microseconds=999)) == 1500


@pytest.mark.parametrize("unfinished", [DAY, UNFINISHED_RETENTION])
def test_unfinished_retention_may_equal_or_exceed_retention(unfinished: timedelta) -> None:
    assert resolve_unfinished_retention(unfinished, None, DAY) == unfinished


@pytest.mark.parametrize("duration", ["1d", 86_400, "86400"])
def test_unfinished_retention_may_be_any_duration(duration: str | float) -> None:
    assert resolve_unfinished_retention(duration, None, DAY) == DAY


def test_shorter_unfinished_retention_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        resolve_unfinished_retention(timedelta(hours=1), None, DAY)
    assert refused.value.message == (
        "unfinished_retention (1:00:00) is shorter than retention (1 day, 0:00:00)."
    )
    assert refused.value.hint == "Raise unfinished_retention."


def test_keep_replaces_unfinished_retention_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="keep was renamed to unfinished_retention"):
        assert resolve_unfinished_retention(UNFINISHED_RETENTION, DAY, DAY) == DAY


def test_count_of_at_least_the_least_is_valid() -> None:
    validate_count("history", 0, 0)


@pytest.mark.parametrize("value", [-1, "10", 1.5, None])
def test_other_count_is_refused(value: object) -> None:
    with pytest.raises(
        ConfigurationError, match=r"Set history to a number of deliveries, 0 or more"
    ):
        validate_count("history", value, 0)


# --- the needs of senders ---


def redis_store(**options: Any) -> RedisStore:  # Any: options of it.
    return RedisStore("redis://localhost:1", **options)


def django_store(**options: Any) -> Store:  # Any: options of it.
    configure()
    from florentin_webhooks.django import DjangoStore

    return DjangoStore(**options)


every_store = pytest.mark.parametrize("build", [MemoryStore, redis_store, django_store])


@every_store
def test_store_remembers_as_long_as_its_senders_need(build: Callable[..., Any]) -> None:
    store = build()
    lengths = [store.retention]
    for sender in (Stripe(), GitHub(), Stripe()):
        Receiver(f"a-secret-of-{len(lengths)}-sender", sender=sender, store=store)
        lengths.append(store.retention)
    assert lengths == [DAY, 6 * DAY, 30 * DAY, 30 * DAY]
    assert getattr(store, "unfinished_retention", 30 * DAY) >= 30 * DAY


@every_store
def test_retention_that_was_set_is_kept(build: Callable[..., Any]) -> None:
    store = build(retention="2d")
    Receiver("a-secret-of-some-length", sender=GitHub(), store=store)
    assert store.retention == 2 * DAY


def test_longer_retention_reaches_the_records_of_memory() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    store.extend_retention(30 * DAY)
    store.execute(accept(b"{}"))
    store.execute(finish(b"{}"))
    now[0] = (29 * DAY).total_seconds()
    again = store.execute(accept(b"{}", token=b"other"))
    assert (store.retention, again.decision) == (30 * DAY, AcceptDecision.DUPLICATE)


def test_longer_retention_reaches_the_commands_of_redis() -> None:
    store = redis_store(unfinished_retention="25d")
    store.extend_retention(30 * DAY)
    schema = store._schema
    assert (schema.retention, schema.unfinished_retention) == (30 * 86_400_000,) * 2
