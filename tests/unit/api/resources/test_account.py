"""API keys, members, terms and logins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from florentin_webhooks.api import FlorentinAPI
from tests.support.scripted_api import ScriptedAPI

PERSON = {"customer_id": "7c1f", "email": "m@adabooks.example"}


@pytest.mark.parametrize(
    ("ask", "name", "body"),
    [
        (
            lambda api: api.api_keys.create(name="reports", scopes=("api:read",)),
            "POST /api-keys",
            {"name": "reports", "scopes": ["api:read"]},
        ),
        (lambda api: api.api_keys.revoke("7"), "DELETE /api-keys/7", None),
        (
            lambda api: api.team_members.add(
                customer="7c1f", email="m@adabooks.example", role="editor"
            ),
            "POST /team-members",
            {**PERSON, "role": "editor"},
        ),
        (
            lambda api: api.terms.accept(customer="7c1f", email="m@adabooks.example", version="2"),
            "POST /terms",
            {**PERSON, "version": "2"},
        ),
        (
            lambda api: api.logins.record(customer="7c1f", email="m@adabooks.example"),
            "POST /logins",
            PERSON,
        ),
    ],
)
def test_change_has_no_key(
    ask: Callable[[FlorentinAPI], object], name: str, body: dict[str, Any] | None
) -> None:
    script = ScriptedAPI((200, {"data": {}}))
    ask(script.client())
    (request,) = script.requests
    assert f"{request.method} {request.url.path.removeprefix('/api/v1')}" == name
    assert (next(script.bodies) if request.content else None) == body
