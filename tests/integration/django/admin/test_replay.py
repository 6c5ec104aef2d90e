"""The results of replays, and the thread that they run in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.test import Client

from florentin_webhooks import RetryLater
from tests.support.http import call, scope_of
from tests.support.vectors import Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp
from tests.support.django_admin import (
    PLACE,
    Shop,
    messages,
    replayed,
)


def test_failed_replay_names_the_handler(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    with shop.breaking("notify", RetryLater(60)):
        text = replayed(operator, failed)
    assert messages(text) == [f"Delivery {failed[:12]}: handler-failed: shop:notify: RetryLater."]


def test_refused_replay_shows_the_reason(shop: Shop, operator: Client) -> None:
    from florentin_webhooks.django.models import Delivery

    done, failed, running = shop.take(), shop.failed(), shop.failed()
    Delivery.objects.filter(key=failed).update(body=b"{}")
    Delivery.objects.filter(key=running).update(state="running", until=1 << 60, token=b"t")
    shop.ran.clear()
    reasons = {
        done: "all its handlers are done",
        failed: "the stored body was changed",
        running: "its handlers are running",
    }
    assert messages(replayed(operator, done, failed, running)) == [
        f"Delivery {each[:12]}: not replayed: {reason}." for each, reason in reasons.items()
    ]
    assert shop.ran == []


def test_invalid_event_shows_its_fields(shop: Shop, operator: Client) -> None:
    invalid = shop.take(invoice={"number": 5})
    assert shop.row(invalid).state == "invalid"
    (words,) = messages(replayed(operator, invalid))
    assert "invalid-event: invoice.created does not fit its model: data.invoice.number" in words


def test_async_handlers_use_the_database_under_asgi(shop: Shop, operator: Client) -> None:
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
