"""The API over ASGI: what is documented of it, and its errors."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.simulated import TOKEN, Domain, message

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_documented_request_creates_a_customer(domain: Domain) -> None:
    status, content = domain.post("/customers", name="Ada", email="ada@adabooks.example")
    assert status == 201
    assert UUID.fullmatch(content["data"].pop("id"))
    assert content == {
        "data": {"email": "ada@adabooks.example"},
        "meta": {"message": "Customer created successfully"},
    }


def test_list_of_customers_has_page_and_total(domain: Domain) -> None:
    for number in range(27):
        domain.customer(f"number-{number}@adabooks.example")
    first, second = domain.get("/customers"), domain.get("/customers?page=2")
    assert (first["meta"], second["meta"]) == ({"page": 1, "total": 27}, {"page": 2, "total": 27})
    emails = [each["email"] for page in (first, second) for each in page["data"]]
    assert emails == [f"number-{number}@adabooks.example" for number in range(27)]
    assert domain.get("/customers?page=3")["data"] == []


def test_customer_can_be_shown(domain: Domain) -> None:
    key = domain.customer()
    shown = domain.get(f"/customers/{key}")["data"]
    assert shown == {"id": key, "name": "Ada Books", "email": "ada@adabooks.example"}


@pytest.mark.parametrize(
    "token", [None, "", "42|another-secret", "43|kP3f9c-made-up", TOKEN[3:], f"{TOKEN}\r"]
)
def test_request_without_a_valid_token_is_unauthorized(token: str | None, domain: Domain) -> None:
    answer = domain.ask("GET", "/customers", token=token)
    assert (answer.status, message(answer)) == (401, "invalid or missing bearer token")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 422, "email is required"),
        (b"{}", 422, "email is required"),
        (b'{"name": "Ada", "email": ""}', 422, "email is required"),
        (b'{"name": "Ada", "email": null}', 422, "email is required"),
        (b'{"email": "ada"}', 422, "email must be an email address"),
        (b'{"email": 7}', 422, "email must be a text"),
        (b'{"email": "a@b.example", "name": ""}', 422, "name is empty"),
        (b'["email"]', 422, "the body is not a JSON object"),
        (b'{"email"', 400, "the body is not JSON"),
        (b'{"email": "\\ud800@b.example"}', 400, "the body is not JSON"),
        (b" " * 65_537, 413, "the body is larger than 65536 bytes"),
    ],
)
def test_wrong_customer_is_refused_with_a_reason(
    body: bytes, status: int, reason: str, domain: Domain
) -> None:
    answer = domain.ask("POST", "/customers", body)
    assert (answer.status, message(answer)) == (status, reason)
    assert domain.get("/customers")["meta"]["total"] == 0


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=", "page=1&page=2", "customer_id=7"])
def test_wrong_parameter_is_refused(query: str, domain: Domain) -> None:
    assert domain.ask("GET", f"/invoices?{query}").status == 422


def test_missing_things_are_not_found(domain: Domain) -> None:
    answers = [domain.ask("GET", path) for path in ("/customers/7", "/nothing")]
    assert [(each.status, message(each)) for each in answers] == [
        (404, "customer not found"),
        (404, "not found"),
    ]


def test_other_method_is_answered_with_those_allowed(domain: Domain) -> None:
    answer = domain.ask("PUT", "/customers")
    assert (answer.status, message(answer)) == (405, "method not allowed")
    assert {*answer.headers["allow"].split(", ")} == {"GET", "HEAD", "POST"}


def test_head_is_answered_without_a_body(domain: Domain) -> None:
    assert domain.ask("HEAD", "/customers").status == 200


def test_openapi_document_needs_no_token(domain: Domain) -> None:
    answer = domain.ask("GET", "/openapi.json", token=None)
    assert "/customers" in json.loads(answer.body)["paths"]


def test_failed_database_is_unavailable(domain: Domain) -> None:
    with domain.simulator._database.transaction() as connection:
        connection.execute("DROP TABLE documents")
    answer = domain.ask("GET", "/customers")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert message(answer).startswith("SQLite has failed")
