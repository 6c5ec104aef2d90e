"""Requests as values."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.api.models import Customer
from florentin_webhooks.api.request import APIRequest, fields_of, path_of
from florentin_webhooks.errors import APIError


def request(method: str = "POST", key_field: str = "", **body: object) -> APIRequest[Customer]:
    return APIRequest(method, "/customers", Customer, body=body or None, key_field=key_field)


def test_parts_of_a_path_are_quoted() -> None:
    assert path_of("customers", "a/b?c=d e") == "/customers/a%2Fb%3Fc%3Dd%20e"


@pytest.mark.parametrize("part", ["", ".", "..", None])
def test_part_that_leads_to_another_path_is_refused(part: Any) -> None:
    with pytest.raises(APIError, match="is not an id"):
        path_of("customers", part)


def test_only_reads_and_keyed_changes_can_be_repeated() -> None:
    assert request("GET").can_repeat
    assert not request().can_repeat
    assert not request(key_field="request_id").can_repeat
    assert request(key_field="request_id").with_key("k").can_repeat
    assert not request("DELETE").can_repeat


def test_key_goes_into_its_field() -> None:
    keyed = request(key_field="request_id", amount=1).with_key("k")
    assert keyed.body == {"amount": 1, "request_id": "k"}
    assert keyed.key == "k"


def test_page_is_added_to_the_query() -> None:
    first = APIRequest("GET", "/invoices", Customer, {"customer_id": "7c1f"})
    assert first.at_page(2).query == {"customer_id": "7c1f", "page": "2"}


def test_repr_shows_no_value() -> None:
    assert "ada" not in repr(request(email="ada@adabooks.example"))


def test_empty_fields_are_left_out() -> None:
    assert fields_of(period="", customer="7c1f") == {"customer": "7c1f"}
