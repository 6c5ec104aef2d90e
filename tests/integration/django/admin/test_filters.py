"""The filters of the list."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.support.django_admin import (
    PLACE,
    Shop,
    page,
    rows,
)


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
def test_list_is_filtered_by_state_event_and_age(
    shop: Shop, viewer: Client, choice: dict[str, str], expected: list[str]
) -> None:
    known = {shop.take()[:12]: "done", shop.failed()[:12]: "failed"}
    known[shop.take("shipment.sent")[:12]] = "other"
    seen = rows(page(viewer, f"{PLACE}?{urlencode(choice)}&_facets=True"))
    assert sorted(known[row.split()[1]] for row in seen) == expected


@pytest.mark.parametrize("lookup", ["token__startswith", "body__contains", "retries__state"])
def test_lookup_of_hidden_field_is_refused(viewer: Client, lookup: str) -> None:
    assert viewer.get(PLACE, {lookup: "a"}).status_code == 400
