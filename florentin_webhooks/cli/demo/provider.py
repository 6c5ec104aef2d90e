"""Steps with the local Florentin: the documented request, and its delivery log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from florentin_webhooks.cli.demo.runner import Reply
from florentin_webhooks.testing.transport import MAX_RESPONSE, connect, post

if TYPE_CHECKING:
    from florentin_webhooks.cli.demo.recorder import Run
    from florentin_webhooks.cli.demo.runner import DemoContext

__all__ = ["create_customer", "documented_request", "read_log"]

_CUSTOMER = {"name": "Ada Books", "email": "billing@adabooks.example"}
_HANDLER = "call_back"
_TIMEOUT = 20


def documented_request(base: str, token: str) -> str:
    """Return the request of Florentin's documentation as a command for a shell."""
    words = [
        f"curl -sS -X POST {base}/api/v1/customers",
        f'-H "Authorization: Bearer {token}"',
        '-H "Content-Type: application/json"',
        f"-d '{json.dumps(_CUSTOMER)}'",
    ]
    return " \\\n  ".join(words)


def create_customer(demo: DemoContext) -> Reply:
    """Send the documented request, and wait until the handler of its webhook has begun."""
    headers = {"Authorization": f"Bearer {demo.token}", "Content-Type": "application/json"}
    url, body = f"{demo.florentin}/api/v1/customers", json.dumps(_CUSTOMER).encode()
    response = post(url, headers, body, timeout=_TIMEOUT)
    is_created = json.loads(response.body)["meta"]["message"] == "Customer created successfully"
    run = demo.wait_for(lambda: _called_back(demo))
    return Reply(run.fingerprint, response.status, "created" if is_created else "refused")


def read_log(demo: DemoContext) -> Reply:
    """Return what the local Florentin thinks of the delivery, once it has its answer."""
    state = demo.wait_for(lambda: _state(demo))
    run = _called_back(demo)
    return Reply(run.fingerprint if run else "", 200, state)


def _state(demo: DemoContext) -> str:
    """Return the state of the delivery, or an empty text while it is pending."""
    connection, path = connect(f"{demo.florentin}/log.json", _TIMEOUT)
    try:
        connection.request("GET", path)
        (entry,) = json.loads(connection.getresponse().read(MAX_RESPONSE))
    finally:
        connection.close()
    return "" if entry["state"] == "pending" else str(entry["state"])


def _called_back(demo: DemoContext) -> Run | None:
    runs = [run for run in demo.recorder.started() if run.handler == _HANDLER]
    return runs[-1] if runs else None
