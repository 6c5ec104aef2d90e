"""A simulated domain without a server, and what its API answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import ASGIApp

from florentin_webhooks.simulator import Simulator
from tests.support.http import Answer, call, scope_of
from tests.support.vectors import Request

TOKEN = "42|kP3f9c-made-up"


class Domain:
    """A client of the API of *simulator*, with a token that may do everything."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.token = simulator.add_token(TOKEN)

    def ask(self, method: str, path: str, body: bytes = b"", token: str | None = TOKEN) -> Answer:
        headers = [] if token is None else [(b"Authorization", f"Bearer {token}".encode())]
        path, _, query = path.partition("?")
        scope = scope_of(Request(tuple(headers), body, method), f"/api/v1{path}")
        scope["query_string"] = query.encode()
        return ask_app(self.simulator.app, scope, body)

    def get(self, path: str) -> Any:  # Any: JSON.
        return json.loads(self.ask("GET", path).body)

    def post(self, path: str, **fields: object) -> tuple[int, Any]:  # Any: JSON.
        answer = self.ask("POST", path, json.dumps(fields).encode())
        return answer.status, json.loads(answer.body)

    def customer(self, email: str = "ada@adabooks.example") -> str:
        """Create a customer and return its id."""
        return str(self.post("/customers", email=email, name="Ada Books")[1]["data"]["id"])


def ask_app(app: ASGIApp, scope: dict[str, Any], body: bytes) -> Answer:
    answer = asyncio.run(call(app, scope, [body]))
    assert answer is not None
    return answer


def message(answer: Answer) -> str:
    """Return the message of an error."""
    return str(json.loads(answer.body)["error"]["message"])
