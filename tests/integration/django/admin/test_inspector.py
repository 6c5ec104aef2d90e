"""The pages in a Django program: for staff, with the admin's permissions, linked from the admin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import path

from florentin_webhooks.django import conf
from florentin_webhooks.inspector.forgery import COOKIE, FIELD
from tests.support.django_admin import PLACE, Shop, logged_in, programmed
from tests.support.django_settings import SQLITE, configure, migrated
from tests.support.django_stores import empty
from tests.support.inspected import TOKEN


@pytest.fixture
def inspected() -> Iterator[Shop]:
    """A program whose URLs have the inspector."""
    migrated(SQLITE)
    from django.contrib import admin

    from florentin_webhooks.django import inspector_path, webhook_path

    urls = (path("admin/", admin.site.urls), webhook_path(), inspector_path("look"))
    with programmed(ROOT_URLCONF=urls):
        empty(SQLITE)
        yield Shop(conf.receiver())


def replay(client: Client, key: str) -> Any:  # Any: the test client's response.
    client.cookies[COOKIE] = TOKEN
    form = urlencode({FIELD: TOKEN, "what": "all"})
    kind = "application/x-www-form-urlencoded"
    return client.post(f"/look/deliveries/{key}/replay", form, content_type=kind)


def test_staff_see_and_replay_deliveries(inspected: Shop) -> None:
    key = inspected.failed()
    operator = logged_in("view_delivery", "replay_delivery", enforce_csrf_checks=True)
    listed = operator.get("/look/").content.decode()
    assert f'href="deliveries/{key}"' in listed
    assert "1 failed" in listed
    answer = replay(operator, key)
    assert answer.status_code == 303, answer.content
    assert answer["Location"] == f"../{key}"
    assert inspected.ran.count("notify") == 2
    assert "Replayed: it is done." in operator.get(f"/look/deliveries/{key}").content.decode()


@pytest.mark.parametrize("secure", [True, False])
def test_cookie_follows_the_scheme_of_the_request(inspected: Shop, secure: bool) -> None:
    viewer = logged_in("view_delivery")
    assert inspected.take()
    page = viewer.get("/look/", secure=secure)
    assert bool(page.cookies[COOKIE]["secure"]) is secure


def test_viewer_may_not_replay(inspected: Shop) -> None:
    key, viewer = inspected.failed(), logged_in("view_delivery")
    assert viewer.get(f"/look/deliveries/{key}").status_code == 200
    refused = replay(viewer, key)
    assert (refused.status_code, b"Access denied" in refused.content) == (403, True)
    assert inspected.ran.count("notify") == 1


def test_staff_without_the_permission_see_nothing(inspected: Shop) -> None:
    inspected.take()
    assert logged_in().get("/look/").status_code == 403


def test_stranger_is_sent_to_the_login(inspected: Shop) -> None:
    answer = Client().get(f"/look/deliveries/{inspected.take()}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/look/deliveries/")


def test_prefix_without_a_slash_leads_to_the_page(inspected: Shop) -> None:
    inspected.take()
    answer = logged_in("view_delivery").get("/look")
    assert (answer.status_code, answer["Location"]) == (307, "look/")


def test_admin_links_to_the_inspector(inspected: Shop) -> None:
    inspected.take()
    text = logged_in("view_delivery").get(PLACE).content.decode()
    assert re.search(r'<a href="/look/">Inspector</a>', text)


def test_admin_without_the_inspector_has_no_link(viewer: Client) -> None:
    assert "Inspector" not in viewer.get(PLACE).content.decode()


def test_empty_route_is_refused() -> None:
    configure()
    from florentin_webhooks.django import inspector_path

    with pytest.raises(ImproperlyConfigured, match="empty without its slashes"):
        inspector_path("/")


@pytest.mark.parametrize("length", ["", "\xb2", "1" * 5000, "-1"])
@pytest.mark.usefixtures("inspected")
def test_form_without_a_usable_length_is_not_read(length: str) -> None:
    operator = logged_in("view_delivery", "replay_delivery")
    form, kind = f"{FIELD}={TOKEN}", "application/x-www-form-urlencoded"
    operator.cookies[COOKIE] = TOKEN
    place = f"/look/deliveries/{'0' * 32}/replay"
    answer = operator.generic("POST", place, form, kind, CONTENT_LENGTH=length)
    assert answer.status_code == 403
