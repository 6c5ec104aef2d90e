"""Replies of the API: objects, pages and errors."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from florentin_webhooks.api.models import Customer
from florentin_webhooks.api.reply import read_error, read_object, read_page, read_retry_after
from florentin_webhooks.api.request import APIReply, APIRequest
from florentin_webhooks.errors import APIError, APIUnavailable

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
REQUEST = APIRequest("GET", "/customers", Customer)
ADA = {"id": "7c1f", "email": "ada@adabooks.example"}


def reply(content: object, status: int = 200) -> APIReply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return APIReply(status, {}, body)


def test_object_keeps_unknown_fields() -> None:
    customer = read_object(REQUEST, reply({"data": {**ADA, "vip": True}, "meta": {}}))
    assert (customer.id, customer.name, customer.model_extra) == ("7c1f", None, {"vip": True})


def test_optional_field_of_another_shape_is_empty() -> None:
    assert read_object(REQUEST, reply({"data": {**ADA, "name": {"first": "Ada"}}})).name is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "it is not JSON"),
        ([], "it is not an object"),
        ({"data": None}, "it lacks a valid data"),
        ({"data": {"email": "ada@adabooks.example"}}, "it lacks a valid id"),
        ({"data": {"id": 7, "email": ["ada@adabooks.example"]}}, "it lacks a valid id, email"),
    ],
)
def test_reply_of_another_shape_is_an_error_without_values(content: object, words: str) -> None:
    with pytest.raises(APIError, match=words) as caught:
        read_object(REQUEST, reply(content))
    assert "adabooks" not in f"{caught.value}{caught.value.__context__}"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_page_has_its_number_and_the_total() -> None:
    items, page = read_page(REQUEST, reply({"data": [ADA], "meta": {"page": 1, "total": 128}}))
    assert ([each.id for each in items], page.number, page.total) == (["7c1f"], 1, 128)


@pytest.mark.parametrize("meta", [None, [], {}, {"page": "1", "total": True}])
def test_page_without_counts_has_none(meta: object) -> None:
    _, page = read_page(REQUEST, reply({"data": [], "meta": meta}))
    assert (page.number, page.total) == (None, None)


def test_list_whose_data_is_an_object_is_an_error() -> None:
    with pytest.raises(APIError, match="its data is not a list"):
        read_page(REQUEST, reply({"data": ADA}))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_is_not_an_error(status: int) -> None:
    assert read_error(REQUEST, reply({}, status), NOW) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, APIError),
        (400, APIError),
        (401, APIError),
        (403, APIError),
        (404, APIError),
        (422, APIError),
        (418, APIError),
        (408, APIUnavailable),
        (429, APIUnavailable),
        (500, APIUnavailable),
        (503, APIUnavailable),
    ],
)
def test_status_decides_whether_another_request_may_succeed(
    status: int, kind: type[APIError]
) -> None:
    error = read_error(REQUEST, reply({"error": {"message": "email is required"}}, status), NOW)
    assert type(error) is kind
    assert error.status_code == status
    assert error.hint.endswith(".")


def test_missing_page_of_another_program_hints_at_the_url() -> None:
    error = read_error(REQUEST, reply(b"<html>", 404), NOW)
    assert error
    assert "base_url ends with /api/v1" in error.hint


def test_error_has_the_message_of_the_api() -> None:
    error = read_error(REQUEST, reply({"error": {"message": "email is required."}}, 422), NOW)
    assert error
    assert error.detail == "email is required"
    assert error.message == "The API answered GET /customers with 422: email is required."


@pytest.mark.parametrize("content", [b"", b"<html>", [], {}, {"error": []}, {"error": {}}])
def test_error_without_a_message_has_none(content: object) -> None:
    error = read_error(REQUEST, reply(content, 500), NOW)
    assert error
    assert (error.detail, error.message) == ("", "The API answered GET /customers with 500.")


def test_message_of_the_api_cannot_forge_a_line() -> None:
    error = read_error(REQUEST, reply({"error": {"message": "no\n200 OK" * 99}}, 400), NOW)
    assert error
    assert "\n" not in error.message
    assert len(error.message) < 500


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 1.5 ", 1.5),
        ("Sun, 29 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 29 Nov 2026 12:00:30 -0000", 30.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("9" * 99, None),
    ],
)
def test_time_to_wait_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds
