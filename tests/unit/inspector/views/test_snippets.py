"""What is copied works: the command sends the delivery, the test passes."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import Any

import pytest

from florentin_webhooks import Receiver, events
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord, Record
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.inspector.views.snippets import as_curl, as_pytest
from florentin_webhooks.senders import Stripe
from florentin_webhooks.testing import Provider, open_webhooks
from tests.support.inspected import SECRET


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module with a receiver."""
    module = types.ModuleType("snippet_shop")
    monkeypatch.setitem(sys.modules, "snippet_shop", module)
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    return module


def remembered(hooks: Receiver[object], provider: Provider, event: str) -> Record:
    Sources([hooks])
    made = provider.make(event)
    hooks.receive(*made)
    key = bytes.fromhex(hooks.verify(*made)[0].fingerprint)
    record = hooks.store.execute(GetRecord(key))
    assert record is not None
    return record


def run_copied(hooks: Receiver[object], text: str) -> None:
    """Run the copied test with its fixtures."""
    names: dict[str, Any] = {}  # Any: those of the test.
    exec(text, names)  # noqa: S102 - what a user would paste into a file.
    (test,) = [each for name, each in names.items() if name.startswith("test_")]
    with open_webhooks(hooks) as webhooks:
        test(webhooks)


def test_copied_test_passes_once_the_handler_is_repaired(shop: types.ModuleType) -> None:
    hooks, ran = Receiver(SECRET), [0]

    def bill(event: events.InvoiceCreated) -> None:
        ran.append(event.data.invoice.amount_due)
        if len(ran) < 4:
            raise LookupError("no tax rate")

    hooks.on("invoice.created")(bill)
    vars(shop)["hooks"] = hooks
    text = as_pytest(hooks, remembered(hooks, Provider(SECRET), "invoice.created"))
    with pytest.raises(LookupError, match="no tax rate"):
        run_copied(hooks, text)
    run_copied(hooks, text)
    assert ran == [0, 4900, 4900, 4900]


def test_copied_test_of_another_sender_passes(shop: types.ModuleType) -> None:
    hooks = Receiver(SECRET, sender=Stripe())
    hooks.on("charge.succeeded")(lambda _: None)
    vars(shop)["stripe"] = hooks
    record = remembered(hooks, Provider(SECRET, sender=Stripe()), "charge.succeeded")
    text = as_pytest(hooks, record)
    assert 'return "snippet_shop:stripe"' in text
    run_copied(hooks, text)


def test_copied_test_of_a_form_holds_its_bytes() -> None:
    hooks = Receiver(SECRET)
    record = Record("0" * 32, State.DONE, event="sms", body=b"Body=hi&To=%2B1")
    text = as_pytest(hooks, record)
    assert "BODY = b'Body=hi&To=%2B1'" in text
    compile(text, "test_copied.py", "exec")


def test_copied_command_holds_the_exact_body() -> None:
    hooks = Receiver(SECRET)
    body = b'{"event": "it\'s $HOME `x`"}'
    record = Record("0" * 32, State.DONE, event="a.b", delivery_id="id-1", body=body)
    text = as_curl(hooks, record, "http://127.0.0.1:1/hooks")
    body_line = text.splitlines()[1]
    shown = subprocess.run(
        ["/bin/sh", "-c", f'{body_line}\nprintf %s "$body"'], check=True, capture_output=True
    )
    assert shown.stdout == body
    assert "sign - --event a.b --delivery-id id-1 > headers &&\n" in text
    assert SECRET not in text
