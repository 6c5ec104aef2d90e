"""The admin on a real database: it shows what is remembered, and lets nobody change it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from florentin_webhooks.django import conf
from tests.support.command_line import python
from tests.support.django_admin import (
    HOSTILE,
    PLACE,
    SECRET,
    Shop,
    asked,
    found,
    logged_in,
    of,
    page,
    plain,
    programmed,
    replayed,
    restamped,
    rows,
    told,
)
from tests.support.django_settings import SQLITE, configure
from tests.support.django_stores import empty, passed


@pytest.fixture
def shop() -> Iterator[Shop]:
    with programmed():
        empty(SQLITE)
        yield Shop(conf.receiver())


@pytest.fixture
def viewer(shop: Shop) -> Client:  # noqa: ARG001 - the program comes first.
    return logged_in("view_delivery")


@pytest.fixture
def operator(shop: Shop) -> Client:  # noqa: ARG001 - the program comes first.
    return logged_in("view_delivery", "replay_delivery")


@pytest.fixture
def superuser(shop: Shop) -> Client:  # noqa: ARG001 - the program comes first.
    return logged_in(superuser=True)


# --- the list ---


def test_the_list_shows_what_became_of_each_delivery_the_newest_first(
    shop: Shop, viewer: Client
) -> None:
    done, failed = shop.take(), shop.failed()
    unfinished, finished = rows(page(viewer))
    assert f"{failed[:12]} failed invoice.created" in unfinished
    assert unfinished.endswith("1 of 2 1 shop:notify: KeyError")
    assert f"{done[:12]} done invoice.created" in finished
    assert finished.endswith("2 of 2 1 -")


def test_a_retry_that_was_stamped_anew_is_no_line_of_the_list(shop: Shop, viewer: Client) -> None:
    first, again = restamped(shop)
    assert shop.row(again).original_id.hex == first
    (row,) = rows(page(viewer))
    assert first[:12] in row


def test_what_has_expired_is_not_shown(shop: Shop, viewer: Client) -> None:
    known = shop.take()
    passed(SQLITE, 25 * 3600)
    assert rows(page(viewer)) == []
    assert viewer.get(of(known)).status_code == 302


def test_the_list_reads_no_body_and_asks_as_often_for_many_as_for_one(
    shop: Shop, operator: Client
) -> None:
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


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"state": "failed"}, ["failed"]),
        ({"state": "done"}, ["done", "other"]),
        ({"event": "invoice.created"}, ["done", "failed"]),
        ({"event": "-"}, ["other"]),
        ({"hours": "1"}, ["done", "failed", "other"]),
        ({"hours": "nonsense"}, ["done", "failed", "other"]),
        ({"state": "failed", "event": "user.login"}, []),
    ],
)
def test_the_list_can_be_narrowed(
    shop: Shop, viewer: Client, choice: dict[str, str], expected: list[str]
) -> None:
    known = {shop.take()[:12]: "done", shop.failed()[:12]: "failed"}
    known[shop.take("shipment.sent")[:12]] = "other"
    seen = rows(page(viewer, f"{PLACE}?{urlencode(choice)}&_facets=True"))
    assert sorted(known[row.split()[1]] for row in seen) == expected


def test_a_delivery_is_found_by_what_people_have_of_it(shop: Shop, viewer: Client) -> None:
    first, again = restamped(shop)
    other = shop.failed()
    sent_as = shop.row(first).delivery_id
    dashed = str(shop.row(first).key)
    for term in (first, first[:8].upper(), f" {dashed} ", again, sent_as):
        assert found(viewer, term) == [first[:12]], term
    assert found(viewer, other[:6]) == [other[:12]]
    assert found(viewer, "f" * 33) == found(viewer, "%") == found(viewer, "no such") == []


@pytest.mark.parametrize("lookup", ["token__startswith", "body__contains", "retries__state"])
def test_nobody_probes_what_no_page_shows(viewer: Client, lookup: str) -> None:
    assert viewer.get(PLACE, {lookup: "a"}).status_code == 400


# --- one delivery ---


def test_the_page_of_a_delivery_shows_all_that_is_known(shop: Shop, viewer: Client) -> None:
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


def test_the_page_of_a_delivery_names_its_retries(shop: Shop, viewer: Client) -> None:
    first, again = restamped(shop)
    assert f"Retried as: {again}" in plain(page(viewer, of(first)))


def test_a_body_that_was_let_go_is_said_to_be() -> None:
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
    assert told(answer) == [f"Delivery {done[:12]}: not replayed: its body is deleted."]


def test_whatever_a_sender_chose_is_escaped(shop: Shop, operator: Client) -> None:
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


# --- nothing can be changed ---

SUPERUSER = "superuser"


@pytest.mark.parametrize("what", ["add/", "{}/change/", "{}/delete/"])
def test_not_even_a_superuser_changes_anything_by_a_url(
    shop: Shop, superuser: Client, what: str
) -> None:
    known = shop.take()
    before = vars(shop.row(known))
    form = {"state": "failed", "event": "other", "post": "yes", "_save": "Save"}
    assert superuser.post(PLACE + what.format(known), form).status_code == 403
    after = vars(shop.row(known))
    assert {**after, "_state": None} == {**before, "_state": None}


def test_not_even_a_superuser_has_a_form_to_change_anything(shop: Shop, superuser: Client) -> None:
    known = shop.take()
    assert superuser.get(f"{PLACE}add/").status_code == 403
    assert superuser.get(f"{PLACE}{known}/delete/").status_code == 403
    text = page(superuser, of(known))
    fields = re.findall(
        r"<(?:input|select|textarea)[^>]*>", text.partition('id="delivery_form"')[2]
    )
    kept = [each for each in fields if "readonly" not in each and "formaction" not in each]
    assert [each for each in kept if "csrfmiddlewaretoken" not in each] == []


def test_replaying_is_the_only_action(shop: Shop, superuser: Client) -> None:
    known = shop.take()
    options = re.findall(r'<option value="(\w*)"', page(superuser))
    assert options == ["", "replay"]
    form = {"action": "delete_selected", "_selected_action": known, "post": "yes"}
    superuser.post(PLACE, form)
    assert shop.row(known).state == "done"


# --- who may do what ---


@pytest.mark.parametrize(
    ("permissions", "looking", "replaying"),
    [
        ((), 403, 403),
        (("view_delivery",), 200, 403),
        (("replay_delivery",), 403, 403),
        (("view_delivery", "replay_delivery"), 200, 302),
    ],
)
def test_looking_and_replaying_are_permissions_of_their_own(
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


def test_who_is_not_logged_in_is_sent_to_do_so(shop: Shop) -> None:
    failed = shop.failed()
    answer = Client().post(f"{PLACE}{failed}/replay/")
    assert (answer.status_code, "login" in answer.headers["Location"]) == (302, True)
    assert shop.ran == ["bill", "notify"]


def test_a_replay_needs_a_csrf_token(shop: Shop) -> None:
    failed = shop.failed()
    client = logged_in("view_delivery", "replay_delivery", enforce_csrf_checks=True)
    form = {"action": "replay", "index": "0", "_selected_action": failed}
    assert client.post(PLACE, form).status_code == 403
    assert client.post(f"{PLACE}{failed}/replay/").status_code == 403
    assert shop.ran == ["bill", "notify"]


def test_following_a_link_replays_nothing(shop: Shop, operator: Client) -> None:
    failed = shop.failed()
    answer = operator.get(f"{PLACE}{failed}/replay/?confirmed=yes&all_handlers=yes")
    assert answer.headers["Location"].endswith(f"{shop.row(failed).key}/change/")
    assert shop.ran == ["bill", "notify"]


# --- being an app ---


def test_the_admin_has_nothing_to_say_against_it() -> None:
    configure()
    from django.contrib import admin

    from florentin_webhooks.django.admin import DeliveryAdmin
    from florentin_webhooks.django.models import Delivery

    assert DeliveryAdmin(Delivery, admin.site).check() == []


def test_a_program_without_admin_does_not_even_load_it() -> None:
    program = (
        "import sys, django; from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['florentin_webhooks.django'])\n"
        "django.setup(); print('florentin_webhooks.django.admin' in sys.modules)\n"
    )
    ran = python("-W", "error", "-c", program)
    assert (ran.wait(), ran.data.strip()) == (0, "False")
