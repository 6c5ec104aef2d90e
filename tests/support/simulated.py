"""A simulated domain without a server, and what its API answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.types import ASGIApp

from florentin_webhooks import Receiver
from florentin_webhooks.simulator import Simulator
from florentin_webhooks.simulator.webhooks import dispatcher
from florentin_webhooks.simulator.webhooks.entries import Delivery
from florentin_webhooks.testing import SignedDelivery
from florentin_webhooks.testing.kit.manual_clock import ManualClock
from florentin_webhooks.testing.transport import Response
from tests.support.http import Answer, call, scope_of
from tests.support.vectors import Request
from tests.support.waiting import eventually

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


class Played:
    """A domain whose clock a test moves, from *now* or a fixed day; its endpoint's requests.

    *answers* are the statuses of the first requests, None for none; then comes 200. In the place
    of 200, *hooks* answers.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, *, now: bool = False, **options: Any
    ) -> None:  # Any: those of Simulator.
        self.clock = ManualClock(None if now else datetime(2026, 11, 28, tzinfo=UTC))
        self.simulator = Simulator(clock=self.clock, **options)
        self.requests: list[SignedDelivery] = []
        self.answers: list[int | None] = []
        self.hooks: Receiver[object] | None = None
        patch.setattr(dispatcher, "post", self._answer)

    def _answer(self, url: str, headers: Mapping[str, str], body: bytes, **_: object) -> Response:
        self.requests.append(SignedDelivery({**headers}, body))
        status = self.answers.pop(0) if self.answers else 200
        if status is None:
            raise TimeoutError
        if self.hooks and status == 200:
            reply = self.hooks.receive(headers, body, url)
            return Response(reply.status, reply.outcome.value, {}, b"")
        return Response(status, "", {}, b"")

    def run(self, seconds: float = 0) -> None:
        """Advance the time, and send what is then due."""
        self.clock.advance(timedelta(seconds=seconds))
        running = self.simulator._dispatcher
        running.send_due()
        eventually(lambda: running.is_idle)

    def last(self) -> Delivery:
        return self.simulator.deliveries()[0]
