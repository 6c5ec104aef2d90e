"""A delivery as a command and as a test, to copy: without a secret and without its signature."""

from __future__ import annotations

import json
import re
import shlex
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
    """Return shell commands that sign the body of *record* anew and send it to *url*.

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
            f'printf %s "$body" | {shlex.join(words)} > headers',
            f'printf %s "$body" | curl -H @headers --data-binary @- {shlex.quote(url)}',
        ]
    )


def as_pytest(hooks: Receiver[object], record: Record) -> str:
    """Return a test that sends the body of *record*, signed for the test, to the receiver."""
    module, _, name = path_of(hooks).partition(":")
    is_default = hooks.sender is DEFAULT_SENDER
    sender = "" if is_default else ", sender=hooks.sender, check_names=False"
    test = _NO_WORD.sub("_", record.event).strip("_") or "delivery"
    imports = ["import json"] if _content(record) is not None else []
    return "\n".join(
        [
            *imports,
            "import os",
            "",
            f"from {module} import {name}"
            if name == "hooks"
            else f"from {module} import {name} as hooks",
            "from florentin_webhooks.testing import Provider",
            "",
            _constant(record),
            "",
            "",
            f"def test_{test}_{record.fingerprint[:8]}():",
            f'    provider = Provider(os.environ["{_SECRET}"]{sender})',
            f'    signed = provider.sign({record.event!r}, BODY, delivery_id="test")',
            "    reply = hooks.receive(*provider.restamp(signed))  # With the time of now.",
            "    assert reply.status < 300, reply.error",
            "",
        ]
    )


def path_of(hooks: Receiver[object]) -> str:
    """Return the import path of *hooks*, or one to replace."""
    path = hooks.reporter.receiver
    return path if ":" in path else "shop.hooks:hooks"


def _constant(record: Record) -> str:
    content = _content(record)
    if content is None:
        return f"BODY = {record.body!r}"
    shown = pformat(content, width=_WIDTH, sort_dicts=False)
    return f"BODY = json.dumps(\n{_indent(shown)}\n).encode()"


def _content(record: Record) -> object:
    try:
        return json.loads(record.body)
    except ValueError:
        return None


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
