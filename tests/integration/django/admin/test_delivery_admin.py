"""The admin of deliveries: list, search, permissions; it changes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.command_line import python
from tests.support.django_admin import (
    PLACE,
    Shop,
    found,
    logged_in,
    of,
    page,
    restamped,
    rows,
)
from tests.support.django_settings import SQLITE, configure
from tests.support.django_stores import passed


def test_list_shows_the_newest_delivery_first(shop: Shop, viewer: Client) -> None:
    done, failed = shop.take(), shop.failed()
    unfinished, finished = rows(page(viewer))
    assert f"{failed[:12]} failed invoice.created" in unfinished
    sent_as = shop.row(failed).delivery_id
    assert re.search(rf" 1 shop:notify: KeyError \d+ s ago 1 of 2 {sent_as}$", unfinished)
    assert f"{done[:12]} done invoice.created" in finished
    assert " s ago 2 of 2 " in finished


def test_retry_is_not_listed(shop: Shop, viewer: Client) -> None:
    first, again = restamped(shop)
    assert shop.row(again).original_id.hex == first
    (row,) = rows(page(viewer))
    assert first[:12] in row


def test_expired_delivery_is_not_shown(shop: Shop, viewer: Client) -> None:
    known = shop.take()
    passed(SQLITE, 25 * 3600)
    assert rows(page(viewer)) == []
    assert viewer.get(of(known)).status_code == 302


def test_list_reads_no_body_and_has_constant_queries(shop: Shop, operator: Client) -> None:
    numbers = []
    for _ in range(2):
        shop.failed()
        with CaptureQueriesContext(connections[SQLITE]) as queries:
            page(operator)
        numbers.append(len(queries))
        assert [each for each in queries if '"body"' in each["sql"].partition("FROM")[0]] == []
        for _ in range(5):
            shop.failed()
    assert numbers[0] == numbers[1] <= 10


def test_search_finds_fingerprints_prefixes_and_delivery_ids(shop: Shop, viewer: Client) -> None:
    first, again = restamped(shop)
    other = shop.failed()
    sent_as = shop.row(first).delivery_id
    dashed = str(shop.row(first).key)
    for term in (first, first[:8].upper(), f" {dashed} ", again, sent_as):
        assert found(viewer, term) == [first[:12]], term
    assert found(viewer, other[:6]) == [other[:12]]
    assert found(viewer, "f" * 33) == found(viewer, "%") == found(viewer, "no such") == []


SUPERUSER = "superuser"


@pytest.mark.parametrize("what", ["add/", "{}/change/", "{}/delete/"])
def test_superuser_cannot_change_anything_by_url(shop: Shop, superuser: Client, what: str) -> None:
    known = shop.take()
    before = vars(shop.row(known))
    form = {"state": "failed", "event": "other", "post": "yes", "_save": "Save"}
    assert superuser.post(PLACE + what.format(known), form).status_code == 403
    after = vars(shop.row(known))
    assert {**after, "_state": None} == {**before, "_state": None}


def test_superuser_has_no_form_to_change_anything(shop: Shop, superuser: Client) -> None:
    known = shop.take()
    assert superuser.get(f"{PLACE}add/").status_code == 403
    assert superuser.get(f"{PLACE}{known}/delete/").status_code == 403
    text = page(superuser, of(known))
    fields = re.findall(
        r"<(?:input|select|textarea)[^>]*>", text.partition('id="delivery_form"')[2]
    )
    kept = [each for each in fields if "readonly" not in each and "formaction" not in each]
    assert [each for each in kept if "csrfmiddlewaretoken" not in each] == []


def test_replay_is_the_only_action(shop: Shop, superuser: Client) -> None:
    known = shop.take()
    options = re.findall(r'<option value="(\w*)"', page(superuser))
    assert options == ["", "replay"]
    form = {"action": "delete_selected", "_selected_action": known, "post": "yes"}
    superuser.post(PLACE, form)
    assert shop.row(known).state == "done"


@pytest.mark.parametrize(
    ("permissions", "looking", "replaying"),
    [
        ((), 403, 403),
        (("view_delivery",), 200, 403),
        (("replay_delivery",), 403, 403),
        (("view_delivery", "replay_delivery"), 200, 302),
    ],
)
def test_viewing_and_replaying_are_separate_permissions(
    shop: Shop, permissions: Sequence[str], looking: int, replaying: int
) -> None:
    failed = shop.failed()
    client = logged_in(*permissions)
    assert client.get(PLACE).status_code == looking
    shown = client.get(of(failed))
    assert shown.status_code == looking
    assert (b"Replay unfinished" in shown.content) is (replaying == 302)
    form = {"action": "replay", "index": "0", "_selected_action": failed}
    client.post(PLACE, form) if replaying != 302 else None
    assert client.post(f"{PLACE}{failed}/replay/").status_code == replaying
    assert shop.ran.count("notify") == 1 + (replaying == 302)


def test_anonymous_user_is_redirected_to_the_login(shop: Shop) -> None:
    failed = shop.failed()
    answer = Client().post(f"{PLACE}{failed}/replay/")
    assert (answer.status_code, "login" in answer.headers["Location"]) == (302, True)
    assert shop.ran == ["bill", "notify"]


def test_replay_without_csrf_token_is_refused(shop: Shop) -> None:
    failed = shop.failed()
    client = logged_in("view_delivery", "replay_delivery", enforce_csrf_checks=True)
    form = {"action": "replay", "index": "0", "_selected_action": failed}
    assert client.post(PLACE, form).status_code == 403
    assert client.post(f"{PLACE}{failed}/replay/").status_code == 403
    assert shop.ran == ["bill", "notify"]


def test_get_request_replays_nothing(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    answer = operator.get(f"{PLACE}{failed}/replay/?confirmed=yes&all_handlers=yes")
    assert answer.headers["Location"].endswith(f"{shop.row(failed).key}/change/")
    assert shop.ran == ["bill", "notify"]


def test_admin_class_passes_its_checks() -> None:
    configure()
    from django.contrib import admin

    from florentin_webhooks.django.admin import DeliveryAdmin
    from florentin_webhooks.django.models import Delivery

    assert DeliveryAdmin(Delivery, admin.site).check() == []


def test_program_without_admin_does_not_import_it() -> None:
    program = (
        "import sys, django; from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['florentin_webhooks.django'])\n"
        "django.setup(); print('florentin_webhooks.django.admin' in sys.modules)\n"
    )
    ran = python("-W", "error", "-c", program)
    assert (ran.wait(), ran.data.strip()) == (0, "False")
