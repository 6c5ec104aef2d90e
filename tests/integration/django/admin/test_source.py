"""The database and the receiver that the admin shows."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.db import connections

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.django import conf
from tests.support.django_admin import (
    PLACE,
    SECRET,
    Shop,
    found,
    logged_in,
    messages,
    mounting,
    of,
    page,
    plain,
    programmed,
    receiver,
    replayed,
    restamped,
    rows,
)
from tests.support.django_settings import POSTGRESQL, SQLITE, migrated
from tests.support.django_stores import APP, empty


def noted(**more: Any) -> list[str]:
    """What the list says where the settings are *more*."""
    with programmed({"SECRETS": SECRET, **more}):
        empty(SQLITE)
        return messages(page(logged_in(superuser=True)))


def test_notice_names_redis() -> None:
    (words,) = noted(STORE="redis://localhost:1/0")
    assert words == (
        "Deliveries are stored in Redis, not in this database. "
        "See: manage.py florentin_webhooks deliveries list"
    )


def test_deliveries_in_redis_are_listed(redis_url: str) -> None:
    with programmed({"SECRETS": SECRET, "STORE": redis_url}):
        shop = Shop(conf.receiver())
        failed = shop.failed()
        text = plain(page(logged_in("view_delivery")))
        conf.receiver().close()
    assert f"{failed[:12]} failed invoice.created 1 shop:notify: KeyError" in text


def test_notice_names_memory() -> None:
    (text,) = noted(STORE="memory")
    assert text == (
        "Deliveries are stored in the memory of a process, which the admin cannot read, "
        "not in this database."
    )


def test_deliveries_in_the_database_need_no_notice() -> None:
    assert noted() == []


def test_notice_names_invalid_settings() -> None:
    assert noted(SECRET="misspelt") == ["No valid receiver is configured. See: manage.py check"]


def test_receiver_of_the_urls_replays() -> None:
    hooks = receiver()
    with mounting(hooks) as client:
        failed = Shop(hooks).failed()
        (words,) = messages(replayed(client, failed))
    assert words == f"Delivery {failed[:12]}: replayed, and all its handlers are done."


def test_delivery_of_several_receivers_is_shown_but_not_replayed() -> None:
    hooks = receiver()
    with mounting(hooks, receiver()) as client:
        failed = Shop(hooks).failed()
        text = page(client)
        (words,) = messages(text)
        assert words == (
            "Several receivers share the database 'default', so the admin does not know which one "
            "received a delivery. "
            "To replay one: florentin-webhooks deliveries replay APP FINGERPRINT"
        )
        assert failed[:12] in text
        assert client.post(f"{PLACE}{failed}/replay/").status_code == 403


def test_notice_names_the_second_database() -> None:
    with mounting(receiver(), receiver(POSTGRESQL)) as client:
        (words,) = messages(page(client))
    assert words == (
        "More deliveries are in the database 'postgresql'. "
        "See: florentin-webhooks deliveries list APP"
    )


def test_notice_names_redis_of_a_receiver_in_the_urls() -> None:
    with mounting(Receiver(SECRET, store=RedisStore("redis://localhost:1/0"))) as client:
        (words,) = messages(page(client))
    assert words.endswith(
        "in Redis, not in this database. See: florentin-webhooks deliveries list APP"
    )


def test_other_database_is_shown_and_replayed() -> None:
    migrated(POSTGRESQL, APP)
    with programmed({"SECRETS": SECRET, "DATABASE": POSTGRESQL}):
        empty(POSTGRESQL)
        shop = Shop(conf.receiver())
        client = logged_in(superuser=True)
        first, again = restamped(shop)
        failed = shop.failed()
        assert [row.split()[1] for row in rows(page(client))] == [failed[:12], first[:12]]
        assert found(client, again[:9]) == [first[:12]]
        assert f"Retried as: {again}" in plain(page(client, of(first)))
        with patch.dict(connections[POSTGRESQL].settings_dict, ATOMIC_REQUESTS=True):
            (words,) = messages(replayed(client, failed))
        assert words == f"Delivery {failed[:12]}: replayed, and all its handlers are done."
        narrowed = page(client, f"{PLACE}?state=done&hours=24&_facets=True")
        assert len(rows(narrowed)) == 2
