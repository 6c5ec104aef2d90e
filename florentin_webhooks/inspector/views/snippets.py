"""A delivery as a command and as a test, to copy: without a secret and without its signature."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from pprint import pformat
from typing import TYPE_CHECKING

from florentin_webhooks.core.defaults import DEFAULT_SENDER

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["as_curl", "as_pytest", "path_of"]

_SECRET = "FLORENTIN_WEBHOOK_SECRET"  # noqa: S105 - the variable's name.
_URL = "http://127.0.0.1:8000/webhooks/florentin"
_WIDTH = 88
_NO_WORD = re.compile(r"\W+")


def as_curl(hooks: Receiver[object], record: Record, url: str = _URL) -> str:
    """Return shell commands that sign the body of *record* again and send it to *url*.

    They need the secret in its variable.
    """
    body = shlex.quote(record.body.decode("utf-8", "replace"))
    words = ["florentin-webhooks", "sign", "-", "--event", record.event]
    if record.delivery_id:
        words += ["--delivery-id", record.delivery_id]
    if hooks.sender is not DEFAULT_SENDER:
        words += ["--app", path_of(hooks)]
    return "\n".join(
        [
            f"# Reads the secret from ${_SECRET}.",
            f"body={body}",
            f'printf %s "$body" | {shlex.join(words)} > headers &&',
            f'  printf %s "$body" | curl -H @headers --data-binary @- {shlex.quote(url)}',
        ]
    )


def as_pytest(hooks: Receiver[object], record: Record) -> str:
    """Return a test that replays *record* to the receiver, as at its arrival, without its store."""
    test = _NO_WORD.sub("_", record.event).strip("_") or "delivery"
    content = _content(record)
    return "\n".join(
        [
            *_imports(is_json=content is not None),
            "",
            *_constant(record, content),
            "",
            "",
            "@pytest.fixture",
            "def webhooks_receiver():",
            f'    return "{path_of(hooks)}"',  # Imported late: from_env() needs its secret.
            "",
            "",
            f"def test_{test}_{record.fingerprint[:8]}(webhooks):",
            f"    {_sending(record, is_json=content is not None)}",
            "    webhooks.run_worker()",
            "    webhooks.assert_handled()",
            "",
        ]
    )


def path_of(hooks: Receiver[object]) -> str:
    """Return the import path of *hooks*, or one to replace."""
    path = hooks.reporter.receiver
    return path if ":" in path else "shop.hooks:hooks"


def _imports(*, is_json: bool) -> list[str]:
    if not is_json:
        return ["import pytest"]
    capture = "from florentin_webhooks.testing import Capture"
    return ["from datetime import datetime", "", "import pytest", capture]


def _constant(record: Record, content: object) -> list[str]:
    if content is None:
        return [f"BODY = {record.body!r}"]
    received = (record.received_at or datetime.now(UTC)).isoformat(timespec="milliseconds")
    return [
        f'RECEIVED = datetime.fromisoformat("{received}")',
        f"BODY = {pformat(content, width=_WIDTH, sort_dicts=False)}",
    ]


def _sending(record: Record, *, is_json: bool) -> str:
    event, delivery_id = record.event, record.delivery_id or "test"
    if is_json:
        return f"webhooks.replay(Capture({event!r}, {delivery_id!r}, RECEIVED, BODY))"
    signed = f"webhooks.provider.sign({event!r}, BODY, delivery_id={delivery_id!r})"
    return f"webhooks.send({signed})"


def _content(record: Record) -> object:
    try:
        return json.loads(record.body)
    except ValueError:
        return None
