"""The beginning of a handler."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any, cast

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.mcp.stub import HandlerStub
from florentin_webhooks.senders import GitHub

SECRET = "whsec_0123456789abcdef0123456789abcdef"


def stub(event: str, body: object, hooks: Receiver | None = None) -> str:
    code = HandlerStub.of(hooks or Receiver(SECRET, store=MemoryStore()), event, body).code()
    ast.parse(code)
    return code


def test_fields_have_their_types() -> None:
    data = {"invoice": {"lines": [{"amount": 1.5}], "paid": True, "note": None, "tags": []}}
    code = stub("invoice.created", {"event": "invoice.created", "data": data})
    assert "invoice.lines[].amount: float" in code
    assert "invoice.paid: bool" in code
    assert "invoice.note: NoneType" in code
    assert "invoice.tags: list" in code


def test_unknown_event_has_the_base_class() -> None:
    assert "event: events.Event," in stub("invoice.voided", {"data": {}})


def test_event_of_another_sender_has_its_own_class() -> None:
    hooks = Receiver(SECRET, store=MemoryStore(), sender=GitHub())
    code = stub("push", {"ref": "refs/heads/main"}, cast("Any", hooks))
    assert "ref: str" in code
    assert "def handle_push(event: " in code


def test_names_of_the_sender_cannot_end_the_docstring() -> None:
    code = stub('user"""\nimport os\n', {"data": {'"""\nimport os\n"""': 1, "a\\": 2}})
    (function,) = (each for each in ast.parse(code).body if isinstance(each, ast.FunctionDef))
    assert not [each for each in ast.parse(code).body if isinstance(each, ast.Import)]
    assert function.name == "handle_user_import_os"


def test_large_payload_is_cut() -> None:
    code = stub("user.login", {"data": {f"field_{number}": 1 for number in range(100)}})
    assert code.count(": int") == 40


@pytest.mark.parametrize("path", ["shop.hooks:hooks", "shop.hooks:app.hooks", "-"])
def test_receiver_is_imported_from_its_module(path: str) -> None:
    reporter = SimpleNamespace(receiver=path)
    hooks = SimpleNamespace(reporter=reporter, sender=GitHub(), models={})
    code = HandlerStub.of(cast("Any", hooks), "push", {}).code()
    ast.parse(code)
    assert "from shop.hooks import " in code
