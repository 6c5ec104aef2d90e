"""Scopes, API keys, and keys that make a repetition harmless."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks.simulator import documents
from florentin_webhooks.simulator.api import endpoint
from florentin_webhooks.simulator.tokens import Scope
from tests.support.simulated import Domain, message


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope.READ, [200, 403, 403]),
        (Scope.WRITE, [403, 422, 403]),
        (Scope.ADMIN, [403, 403, 200]),
    ],
)
def test_token_may_do_what_its_scope_allows(
    scope: Scope, allowed: list[int], domain: Domain
) -> None:
    token = domain.simulator.add_token(scopes=[scope])
    requests = (("GET", "/customers"), ("POST", "/customers"), ("GET", "/api-keys"))
    assert [domain.ask(*each, token=token).status for each in requests] == allowed


def test_refusal_names_the_missing_scope(domain: Domain) -> None:
    token = domain.simulator.add_token(scopes=["api:read"])
    answer = domain.ask("POST", "/customers", token=token)
    assert message(answer) == "this token lacks the scope api:write"


def test_api_key_works_until_it_is_revoked(domain: Domain) -> None:
    status, made = domain.post("/api-keys", name="ci", scopes=["api:read"])
    key, token = made["data"]["id"], made["data"]["token"]
    assert (status, domain.ask("GET", "/customers", token=token).status) == (201, 200)
    assert domain.get("/api-keys")["data"][-1] == {"id": key, "name": "ci", "scopes": ["api:read"]}
    assert domain.ask("DELETE", f"/api-keys/{key}").status == 200
    assert domain.ask("GET", "/customers", token=token).status == 401
    assert domain.ask("DELETE", f"/api-keys/{key}").status == 404


def test_token_cannot_revoke_itself(domain: Domain) -> None:
    answer = domain.ask("DELETE", f"/api-keys/{domain.token.partition('|')[0]}")
    assert (answer.status, message(answer)) == (409, "a token cannot revoke itself")
    assert domain.ask("GET", "/customers").status == 200


def test_same_idempotency_key_charges_once(domain: Domain) -> None:
    wanted = {"customer_id": domain.customer(), "amount_due": 4900, "currency": "eur"}
    first = domain.post("/invoices", **wanted, idempotency_key="charge-1")
    assert domain.post("/invoices", **wanted, idempotency_key="charge-1") == first
    assert domain.get("/invoices")["meta"]["total"] == 1
    assert domain.post("/invoices", **wanted, idempotency_key="charge-2") != first


def test_idempotency_key_of_another_request_is_refused(domain: Domain) -> None:
    wanted = {"customer_id": domain.customer(), "currency": "eur", "idempotency_key": "charge-1"}
    domain.post("/invoices", **wanted, amount_due=1)
    status, content = domain.post("/invoices", **wanted, amount_due=2)
    assert status == 409
    assert content["error"]["message"] == "idempotency_key was used for another request"


def test_refused_request_leaves_its_key_free(domain: Domain) -> None:
    wanted = {"amount_due": 1, "currency": "eur", "idempotency_key": "charge-1"}
    unknown = domain.post("/invoices", **wanted, customer_id=f"{'0' * 8}-{'0000-' * 3}{'0' * 12}")
    assert unknown[0] == 404
    assert domain.post("/invoices", **wanted, customer_id=domain.customer())[0] == 201


def test_same_request_id_consumes_once(domain: Domain) -> None:
    customer = domain.customer()
    wanted = {"customer_id": customer, "amount": 30, "reason": "export"}
    for request in ("r-1", "r-1", "r-2"):
        assert domain.post("/credits/consume", **wanted, request_id=request)[0] == 200
    usage = domain.get(f"/usage/summary?customer_id={customer}")["data"]
    assert usage["metrics"] == {"credits": 60}
    earlier = domain.get(f"/usage/summary?customer_id={customer}&period=2020-01")["data"]
    assert (earlier["period"], earlier["metrics"]) == ("2020-01", {"credits": 0})


def test_secret_of_a_token_is_not_stored(domain: Domain) -> None:
    with domain.simulator._database.transaction() as connection:
        stored = "\n".join(connection.iterdump())
    assert domain.token.partition("|")[2] not in stored
    assert json.dumps("simulate").strip('"') in stored


def test_full_domain_refuses_objects_and_shows_them(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = domain.customer()
    monkeypatch.setattr(documents, "MOST_OBJECTS", 5)
    status, answer = domain.post("/customers", email="grace@shop.example")
    assert status == 409
    assert "takes no more" in answer["error"]["message"]
    assert domain.get("/customers")["meta"]["total"] == 1
    assert domain.get(f"/customers/{customer}")["data"]["id"] == customer


def test_api_keys_are_bounded(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MOST_TOKENS", 2)
    wanted = {"name": "ci", "scopes": ["api:read"]}
    assert [domain.post("/api-keys", **wanted)[0] for _ in range(2)] == [201, 409]


def test_oldest_keys_of_requests_are_forgotten(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MOST_KEYS", 2)
    wanted = {"customer_id": domain.customer(), "amount_due": 4900, "currency": "eur"}
    made = [domain.post("/invoices", **wanted, idempotency_key=key) for key in "abc"]
    assert domain.post("/invoices", **wanted, idempotency_key="b") == made[1]
    assert domain.post("/invoices", **wanted, idempotency_key="a") not in made
