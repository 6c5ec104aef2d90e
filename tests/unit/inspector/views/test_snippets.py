"""What is copied works: the command sends the delivery, the test passes."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from florentin_webhooks import Receiver, events
from florentin_webhooks.core.stores.queries import GetRecord, Record
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.inspector.views.snippets import as_curl, as_pytest
from florentin_webhooks.senders import Stripe
from florentin_webhooks.testing import Provider
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


def test_copied_test_passes(shop: types.ModuleType) -> None:
    ran: list[str] = []
    hooks = Receiver(SECRET)

    def bill(event: events.InvoiceCreated) -> None:
        ran.append(event.data.invoice.number)

    hooks.on("invoice.created")(bill)
    vars(shop)["hooks"] = hooks
    text = as_pytest(hooks, remembered(hooks, Provider(SECRET), "invoice.created"))
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 - what a user would paste into a file.
    (test,) = [each for name, each in names.items() if name.startswith("test_invoice_created_")]
    assert callable(test)
    test()
    assert ran == ["INV-0042"] * 2


def test_copied_test_of_another_sender_passes(shop: types.ModuleType) -> None:
    hooks = Receiver(SECRET, sender=Stripe())
    hooks.on("charge.succeeded")(lambda _: None)
    vars(shop)["stripe"] = hooks
    record = remembered(hooks, Provider(SECRET, sender=Stripe()), "charge.succeeded")
    text = as_pytest(hooks, record)
    assert "from snippet_shop import stripe as hooks" in text
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 - as above.
    (test,) = [each for name, each in names.items() if name.startswith("test_charge")]
    assert callable(test)
    test()


def test_copied_command_holds_the_exact_body() -> None:
    hooks = Receiver(SECRET)
    body = b'{"event": "it\'s $HOME `x`"}'
    record = Record("0" * 32, state="done", event="a.b", delivery_id="id-1", body=body)  # type: ignore[arg-type]
    text = as_curl(hooks, record, "http://127.0.0.1:1/hooks")
    body_line = text.splitlines()[1]
    shown = subprocess.run(
        ["/bin/sh", "-c", f'{body_line}\nprintf %s "$body"'], check=True, capture_output=True
    )
    assert shown.stdout == body
    assert "sign - --event a.b --delivery-id id-1 > headers" in text
    assert SECRET not in text
