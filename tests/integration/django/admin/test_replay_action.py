"""Replays of selected deliveries, their confirmation and their messages."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from django.db import connections
from django.test import Client

from tests.support.django_admin import (
    PLACE,
    Shop,
    asked,
    messages,
    of,
    page,
    plain,
    replayed,
)
from tests.support.django_settings import SQLITE


def test_unfinished_handlers_are_replayed_from_the_list(shop: Shop, operator: Client) -> None:
    first, second = shop.failed(), shop.failed()
    shop.ran.clear()
    text = replayed(operator, second, first)
    assert messages(text) == [
        f"Deliveries {first[:12]}, {second[:12]}: replayed, and all its handlers are done."
    ]
    assert shop.ran == ["notify", "notify"]
    assert {shop.row(first).state, shop.row(second).state} == {"done"}


def test_delivery_is_replayed_from_its_page(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    place = f"{PLACE}{shop.row(failed).key}/replay/"
    assert f'formaction="{place}"' in page(operator, of(failed))
    text = asked(operator, place)
    assert messages(text) == [f"Delivery {failed[:12]}: replayed, and all its handlers are done."]
    assert "State: done" in plain(text)
    assert "Replay unfinished" not in text


def test_possibly_processed_delivery_needs_confirmation(shop: Shop, operator: Client) -> None:
    late, failed = shop.take(age=48), shop.failed()
    shop.ran.clear()
    text = replayed(operator, late, failed)
    assert f"{late}" in text
    assert "so it may have run before" in plain(text)
    assert failed not in text.partition('id="content"')[2].partition("<ul>")[2]
    assert shop.ran == ["notify"]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    text = asked(operator, PLACE, **hidden)
    assert messages(text)[-1] == f"Delivery {late[:12]}: replayed, and all its handlers are done."
    assert shop.ran == ["notify", "bill", "notify"]


def test_running_all_handlers_needs_confirmation(shop: Shop, operator: Client) -> None:
    done = shop.take()
    shop.ran.clear()
    place = f"{PLACE}{done}/replay/"
    text = asked(operator, place, all_handlers="Run all handlers again")
    assert "Run all handlers again?" in plain(text)
    assert shop.ran == []
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    assert messages(asked(operator, place, **hidden)) == [
        f"Delivery {done[:12]}: replayed, and all its handlers are done."
    ]
    assert shop.ran == ["bill", "notify"]


def test_history_names_the_user_of_a_replay(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    replayed(operator, failed)
    seen = plain(page(operator, f"{PLACE}{shop.row(failed).key}/history/"))
    assert "staff-view_delivery-replay_delivery replayed, and all its handlers are done" in seen


def test_request_starts_no_replay_after_its_time_limit(
    shop: Shop, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [shop.failed() for _ in range(2)]
    monkeypatch.setattr("florentin_webhooks.django.admin.replay_action.SECONDS", 0.0)
    assert messages(replayed(operator, *known)) == [
        "2 more were not started within 0 s. Replay them again."
    ]


def test_unknown_delivery_is_not_replayed(operator: Client) -> None:
    answer = operator.post(f"{PLACE}{'0' * 32}/replay/")
    assert (answer.status_code, answer.headers["Location"]) == (302, PLACE)
    assert operator.post(f"{PLACE}nonsense/replay/").status_code == 302


def test_replay_runs_outside_atomic_requests(shop: Shop, operator: Client) -> None:
    first, second = shop.failed(), shop.failed()
    with patch.dict(connections[SQLITE].settings_dict, ATOMIC_REQUESTS=True):
        assert messages(replayed(operator, first)) == [
            f"Delivery {first[:12]}: replayed, and all its handlers are done."
        ]
        text = asked(operator, f"{PLACE}{second}/replay/")
    assert messages(text) == [f"Delivery {second[:12]}: replayed, and all its handlers are done."]
