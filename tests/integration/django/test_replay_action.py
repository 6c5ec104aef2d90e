"""The admin replays what is remembered, for those who may, and says what came of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.test import Client

from florentin_webhooks import Receiver, RedisStore, RetryLater
from florentin_webhooks.django import conf
from tests.support.django_settings import POSTGRESQL, SQLITE, migrated
from tests.support.django_stores import APP, empty
from tests.support.http import call, scope_of
from tests.support.vectors import Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp
from tests.support.django_admin import (
    PLACE,
    SECRET,
    Shop,
    asked,
    found,
    logged_in,
    mounting,
    of,
    page,
    plain,
    programmed,
    receiver,
    replayed,
    restamped,
    rows,
    told,
)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with programmed():
        empty(SQLITE)
        yield Shop(conf.receiver())


@pytest.fixture
def operator(shop: Shop) -> Client:  # noqa: ARG001 - the program comes first.
    return logged_in("view_delivery", "replay_delivery")


def test_what_has_not_finished_is_replayed_from_the_list(shop: Shop, operator: Client) -> None:
    first, second = shop.failed(), shop.failed()
    shop.ran.clear()
    text = replayed(operator, second, first)
    assert told(text) == [
        f"Deliveries {first[:12]}, {second[:12]}: replayed, and all its handlers are done."
    ]
    assert shop.ran == ["notify", "notify"]
    assert {shop.row(first).state, shop.row(second).state} == {"done"}


def test_one_delivery_is_replayed_from_its_page(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    place = f"{PLACE}{shop.row(failed).key}/replay/"
    assert f'formaction="{place}"' in page(operator, of(failed))
    text = asked(operator, place)
    assert told(text) == [f"Delivery {failed[:12]}: replayed, and all its handlers are done."]
    assert "State: done" in plain(text)
    assert "Replay unfinished" not in text


def test_a_replay_that_fails_names_the_handler(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    with shop.breaking("notify", RetryLater(60)):
        text = replayed(operator, failed)
    assert told(text) == [f"Delivery {failed[:12]}: handler-failed: shop:notify: RetryLater."]


def test_what_cannot_be_replayed_is_told_with_the_reason(shop: Shop, operator: Client) -> None:
    from florentin_webhooks.django.models import Delivery

    done, failed, running = shop.take(), shop.failed(), shop.failed()
    Delivery.objects.filter(key=failed).update(body=b"{}")
    Delivery.objects.filter(key=running).update(state="running", until=1 << 60, token=b"t")
    shop.ran.clear()
    reasons = {
        done: "all its handlers are done",
        failed: "the remembered body was changed",
        running: "its handlers are running",
    }
    assert told(replayed(operator, done, failed, running)) == [
        f"Delivery {each[:12]}: not replayed: {reason}." for each, reason in reasons.items()
    ]
    assert shop.ran == []


def test_an_invalid_event_is_told_with_its_fields(shop: Shop, operator: Client) -> None:
    invalid = shop.take(invoice={"number": 5})
    assert shop.row(invalid).state == "invalid"
    (words,) = told(replayed(operator, invalid))
    assert "invalid-event: invoice.created does not fit its model: data.invoice.number" in words


def test_what_may_have_run_before_is_asked_for_first(shop: Shop, operator: Client) -> None:
    late, failed = shop.take(age=48), shop.failed()
    shop.ran.clear()
    text = replayed(operator, late, failed)
    assert f"{late}" in text
    assert "so it may have run before" in plain(text)
    assert failed not in text.partition('id="content"')[2].partition("<ul>")[2]
    assert shop.ran == ["notify"]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    text = asked(operator, PLACE, **hidden)
    assert told(text)[-1] == f"Delivery {late[:12]}: replayed, and all its handlers are done."
    assert shop.ran == ["notify", "bill", "notify"]


def test_all_handlers_run_again_only_after_a_yes(shop: Shop, operator: Client) -> None:
    done = shop.take()
    shop.ran.clear()
    place = f"{PLACE}{done}/replay/"
    text = asked(operator, place, all_handlers="Run all handlers again")
    assert "Run all handlers again?" in plain(text)
    assert shop.ran == []
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    assert told(asked(operator, place, **hidden)) == [
        f"Delivery {done[:12]}: replayed, and all its handlers are done."
    ]
    assert shop.ran == ["bill", "notify"]


def test_who_replayed_what_stands_in_its_history(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    replayed(operator, failed)
    seen = plain(page(operator, f"{PLACE}{shop.row(failed).key}/history/"))
    assert "staff-view_delivery-replay_delivery replayed, and all its handlers are done" in seen


def test_a_request_does_not_go_on_for_longer_than_servers_wait(
    shop: Shop, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [shop.failed() for _ in range(2)]
    monkeypatch.setattr("florentin_webhooks.django.admin.replay_action.SECONDS", 0.0)
    assert told(replayed(operator, *known)) == [
        "2 more were not started within 0 s. Replay them again."
    ]


def test_what_is_not_there_is_not_replayed(operator: Client) -> None:
    answer = operator.post(f"{PLACE}{'0' * 32}/replay/")
    assert (answer.status_code, answer.headers["Location"]) == (302, PLACE)
    assert operator.post(f"{PLACE}nonsense/replay/").status_code == 302


def test_a_replay_is_no_part_of_a_request_s_transaction(shop: Shop, operator: Client) -> None:
    first, second = shop.failed(), shop.failed()
    with patch.dict(connections[SQLITE].settings_dict, ATOMIC_REQUESTS=True):
        assert told(replayed(operator, first)) == [
            f"Delivery {first[:12]}: replayed, and all its handlers are done."
        ]
        text = asked(operator, f"{PLACE}{second}/replay/")
    assert told(text) == [f"Delivery {second[:12]}: replayed, and all its handlers are done."]


def test_under_asgi_handlers_with_async_may_use_the_database(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    token = "t" * 32
    session = operator.cookies[settings.SESSION_COOKIE_NAME].value
    body = urlencode({"csrfmiddlewaretoken": token}).encode()
    headers = (
        (b"host", b"localhost"),
        (b"cookie", f"csrftoken={token}; sessionid={session}".encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(body)).encode()),
    )
    place = f"{PLACE}{failed}/replay/"
    handler = cast("ASGIApp", ASGIHandler())
    request = Request(headers, body)
    answer = asyncio.run(call(handler, scope_of(request, place), [body]))
    assert answer is not None
    assert answer.status == 302
    assert shop.row(failed).state == "done"


# --- where deliveries are ---


def noted(**more: Any) -> list[str]:
    """What the list says where the settings are *more*."""
    with programmed({"SECRETS": SECRET, **more}):
        empty(SQLITE)
        return told(page(logged_in(superuser=True)))


def test_deliveries_in_redis_are_said_to_be_there() -> None:
    (words,) = noted(STORE="redis://localhost:1/0")
    assert words == (
        "Deliveries are stored in Redis, not in this database. "
        "See: manage.py florentin_webhooks deliveries list"
    )


def test_deliveries_in_memory_are_said_to_be_there() -> None:
    (text,) = noted(STORE="memory")
    assert text == (
        "Deliveries are stored in the memory of a process, which the admin cannot read, "
        "not in this database."
    )


def test_deliveries_in_the_database_need_no_words() -> None:
    assert noted() == []


def test_wrong_settings_are_said_to_be_wrong() -> None:
    assert noted(SECRET="misspelt") == ["No valid receiver is configured. See: manage.py check"]


def test_a_receiver_that_stands_in_the_urls_replays() -> None:
    hooks = receiver()
    with mounting(hooks) as client:
        failed = Shop(hooks).failed()
        (words,) = told(replayed(client, failed))
    assert words == f"Delivery {failed[:12]}: replayed, and all its handlers are done."


def test_where_nobody_can_tell_whose_a_delivery_is_it_is_shown_and_not_replayed() -> None:
    hooks = receiver()
    with mounting(hooks, receiver()) as client:
        failed = Shop(hooks).failed()
        text = page(client)
        (words,) = told(text)
        assert words == (
            "Several receivers share the database 'default', so the admin does not know which one "
            "received a delivery. "
            "To replay one: florentin-webhooks deliveries replay APP FINGERPRINT"
        )
        assert failed[:12] in text
        assert client.post(f"{PLACE}{failed}/replay/").status_code == 403


def test_a_second_database_is_named() -> None:
    with mounting(receiver(), receiver(POSTGRESQL)) as client:
        (words,) = told(page(client))
    assert words == (
        "More deliveries are in the database 'postgresql'. "
        "See: florentin-webhooks deliveries list APP"
    )


def test_a_redis_store_that_is_not_of_the_settings_is_named_too() -> None:
    with mounting(Receiver(SECRET, store=RedisStore("redis://localhost:1/0"))) as client:
        (words,) = told(page(client))
    assert words.endswith(
        "in Redis, not in this database. See: florentin-webhooks deliveries list APP"
    )


def test_another_database_is_looked_into_postgresql_as_well() -> None:
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
            (words,) = told(replayed(client, failed))
        assert words == f"Delivery {failed[:12]}: replayed, and all its handlers are done."
        narrowed = page(client, f"{PLACE}?state=done&hours=24&_facets=True")
        assert len(rows(narrowed)) == 2
