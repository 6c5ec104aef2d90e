"""Columns of the list, and fields of the page of a delivery."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path

from django.test import Client

import florentin_webhooks.django
from florentin_webhooks import Discard, RetryLater
from florentin_webhooks.django import conf
from tests.support.django_admin import (
    HOSTILE,
    PLACE,
    SECRET,
    Shop,
    asked,
    found,
    logged_in,
    messages,
    of,
    page,
    plain,
    programmed,
    replayed,
    restamped,
    rows,
)
from tests.support.django_settings import SQLITE
from tests.support.django_stores import empty


def test_list_has_the_style_that_makes_it_fit(shop: Shop, viewer: Client) -> None:
    """Measured with Chromium at 1280 pixels: all columns end at 1225, without it at 1488."""
    shop.failed()
    (link,) = re.findall(r'href="[^"]*(florentin_webhooks/admin\.css)"', page(viewer))
    style = Path(florentin_webhooks.django.__file__).parent / "static" / link
    assert "#result_list td" in style.read_text()


def test_page_of_a_delivery_shows_its_record(shop: Shop, viewer: Client) -> None:
    failed = shop.failed(invoice={"number": "INV-ÜÖ"})
    text = page(viewer, of(failed))
    seen = plain(text)
    for fact in (
        f"Fingerprint: {failed}",
        "State: failed",
        "Event: invoice.created",
        f"Delivery id: {shop.row(failed).delivery_id}",
        f"Received: {datetime.now(UTC):%Y-%m-%d}",
        "Signed with: secret-1",
        "Attempts: 1",
        "Last failure: shop:notify: KeyError",
        "Ended: shop:bill: done",
        "Still to run: shop:notify",
        '"number": "INV-ÜÖ"',
    ):
        assert fact in seen
    assert "never shown" not in text


def test_page_of_a_delivery_lists_its_retries(shop: Shop, viewer: Client) -> None:
    first, again = restamped(shop)
    assert f"Retried as: {again}" in plain(page(viewer, of(first)))


def test_deleted_body_is_explained() -> None:
    with programmed({"SECRETS": SECRET, "HISTORY": 0}):
        shop = Shop(conf.receiver())
        empty(SQLITE)
        done = shop.take()
        operator = logged_in("view_delivery", "replay_delivery")
        assert rows(page(operator)) == []
        assert found(operator, done[:8]) == [done[:12]]
        text = page(operator, of(done))
        assert "The body was deleted. Ask Florentin" in plain(text)
        assert "All handlers. Their names were deleted with the body." in plain(text)
        assert "Run all handlers again" not in text
        answer = asked(operator, f"{PLACE}{done}/replay/", all_handlers="x", confirmed="yes")
    assert messages(answer) == [f"Delivery {done[:12]}: not replayed: its body is deleted."]


def test_values_of_the_sender_are_escaped(shop: Shop, operator: Client) -> None:
    from florentin_webhooks.django.models import Delivery

    hostile = [HOSTILE % each for each in ("event", "id", "reason", "secret", "name", "ending")]
    known = shop.failed(note=HOSTILE % "body</textarea>")
    Delivery.objects.filter(key=known).update(
        event=hostile[0],
        delivery_id=hostile[1],
        reason=hostile[2],
        secret=hostile[3],
        handlers={hostile[4]: hostile[5]},
    )
    listed, shown = page(operator), page(operator, of(known))
    assert "<script>alert" not in listed + shown
    assert "</textarea>&quot" not in shown
    assert [each for each in (hostile[0], hostile[2]) if each not in plain_text(listed)] == []
    assert [each for each in hostile if each not in plain_text(shown)] == []
    assert "<script>alert" not in replayed(operator, known)
    assert "<script>alert" not in page(operator, f"{PLACE}?q={HOSTILE}")


def plain_text(text: str) -> str:
    return html.unescape(text)


def test_postponed_delivery_is_scheduled_with_its_time(shop: Shop, viewer: Client) -> None:
    with shop.breaking("notify", RetryLater(90)):
        postponed = shop.take()
    (row,) = rows(page(viewer))
    assert f"{postponed[:12]} scheduled invoice.created 1 shop:notify: RetryLater" in row
    seen = plain(page(viewer, of(postponed)))
    assert "State: scheduled" in seen
    assert re.search(r"Next attempt: .* UTC, in [89]\d s", seen)


def test_reasons_of_discarded_and_invalid_events_are_shown(shop: Shop, viewer: Client) -> None:
    with shop.breaking("notify", Discard("a test customer")):
        discarded = shop.take()
    assert "shop:notify: discarded: a test customer" in plain(page(viewer, of(discarded)))
    invalid = shop.take(invoice={"amount_due": "much"})
    assert "data.invoice.amount_due" in plain(page(viewer, of(invalid)))
