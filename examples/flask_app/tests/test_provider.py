"""Calls of the provider's API: an answer may be lost, and a login still costs one credit."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from saas import handlers
from tests.in_process import InProcessApp

from florentin_webhooks.api import FlorentinAPI
from florentin_webhooks.errors import APIUnavailable
from florentin_webhooks.testing import Webhooks


class Provider:
    """An API that does what it is asked, and loses its first answer."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(json.loads(request.content))
        if len(self.requests) == 1:
            raise httpx2.ReadError("lost")
        return httpx2.Response(200, json={"data": {}})


def test_login_costs_one_credit_though_an_answer_is_lost(
    webhooks: Webhooks, saas: InProcessApp
) -> None:
    provider = Provider()
    transport = httpx2.MockTransport(provider.answer)
    api = FlorentinAPI("http://127.0.0.1/api/v1", "42|made-up", retries=0, transport=transport)
    saas.app.extensions["provider_api"] = api
    webhooks.through(saas.browser)
    with webhooks.expect_failure(APIUnavailable):
        webhooks.deliver("user.login")
    webhooks.wait(minutes=1)
    webhooks.assert_handled(by=handlers.charge_login)
    first, second = provider.requests
    assert first == second
    assert (first["customer_id"], first["amount"]) == ("acc_5f1d", 1)
    assert first["request_id"]
