"""Events for ``dev``, and code from a delivery."""

from __future__ import annotations

import ast

import pytest

from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.mcp.desk import Desk
from florentin_webhooks.senders import Stripe
from florentin_webhooks.testing import Provider
from florentin_webhooks.testing.transport import Response
from tests.support.agents import call, desk_of

SECRET = "whsec_0123456789abcdef0123456789abcdef"
URL = "http://127.0.0.1:8000/webhooks/florentin"


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    hooks = Receiver(SECRET, store=MemoryStore())

    @hooks.on("invoice.created")
    def bill(_: events.InvoiceCreated) -> None: ...

    def deliver(url: str, headers: dict[str, str], body: bytes) -> Response:
        assert url == URL
        reply = hooks.receive(headers, body)
        return Response(reply.status, reply.outcome.value, {}, reply.body)

    monkeypatch.setattr("florentin_webhooks.inspector.simulation.post", deliver)
    return hooks


@pytest.fixture
def desk(hooks: Receiver) -> Desk:
    return desk_of(hooks, dev_url=URL)


def receive(hooks: Receiver) -> str:
    made = Provider(SECRET).make("invoice.created", invoice={"number": "INV-7701"})
    hooks.receive(*made)
    return made.delivery_id


def test_event_is_sent_with_changed_fields(hooks: Receiver, desk: Desk) -> None:
    sent = call(desk, "trigger_event", event="invoice.created", data={"invoice": {"amount_due": 0}})
    assert sent["answers"] == [{"status": 200, "outcome": "processed"}]
    shown = desk_of(hooks, bodies=True)
    (listed,) = call(shown, "list_deliveries")["deliveries"]
    found = call(shown, "explain_delivery", delivery=listed["fingerprint"])
    assert '"amount_due": 0' in found["body"]


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        ("duplicate", ["processed", "duplicate"]),
        ("tampered", ["invalid-signature"]),
        ("stale", ["stale"]),
    ],
)
def test_fault_shows_what_the_receiver_answers(desk: Desk, fault: str, outcomes: list[str]) -> None:
    sent = call(desk, "trigger_event", event="invoice.created", fault=fault)
    assert [each["outcome"] for each in sent["answers"]] == outcomes


def test_misspelt_event_and_fault_are_refused(desk: Desk) -> None:
    error = call(desk, "trigger_event", event="invoice.creatd")["error"]
    assert "Did you mean invoice.created?" in error
    error = call(desk, "trigger_event", event="invoice.created", fault="big")["error"]
    assert "Use one of: none, duplicate" in error


def test_server_that_is_down_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Response:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("florentin_webhooks.inspector.simulation.post", refuse)
    error = call(desk, "trigger_event", event="invoice.created")["error"]
    assert f"No answer from {URL}: Connection refused." in error
    assert "florentin-webhooks dev" in error


def test_generated_code_has_the_shape_and_no_personal_data(hooks: Receiver, desk: Desk) -> None:
    code = call(desk, "generate_handler", delivery=receive(hooks))
    ast.parse(code["handler"])
    ast.parse(code["test"])
    assert '@hooks.on("invoice.created")' in code["handler"]
    assert "event: events.InvoiceCreated, delivery: Delivery" in code["handler"]
    assert "invoice.amount_due: int" in code["handler"]
    assert "INV-7701" not in code["test"] + code["handler"]
    assert "replaced" in code["notes"]


def test_generated_test_has_the_body_with_the_right(hooks: Receiver) -> None:
    code = call(desk_of(hooks, bodies=True), "generate_handler", delivery=receive(hooks))
    assert "INV-7701" in code["test"]


def test_generated_test_passes_for_a_handler_that_works(hooks: Receiver, desk: Desk) -> None:
    code = call(desk, "generate_handler", delivery=receive(hooks))
    names: dict[str, object] = {}
    exec(code["test"].replace("import pytest\n", "").replace("@pytest.fixture\n", ""), names)  # noqa: S102 - our own.
    test = next(value for name, value in names.items() if name.startswith("test_"))
    calls: list[str] = []

    class Recorder:
        def __getattr__(self, name: str) -> object:
            return lambda *_: calls.append(name)

    test(Recorder())  # type: ignore[operator]  # a function of the text.
    assert calls == ["replay", "run_worker", "assert_handled"]


def test_deleted_body_makes_no_code(hooks: Receiver, desk: Desk) -> None:
    hooks.on("user.login")(lambda _: 1 / 0)
    made = Provider(SECRET).make("user.login")
    hooks.receive(*made)
    (listed,) = call(desk, "list_deliveries")["deliveries"]
    call(desk_of(hooks, writes=True), "discard_delivery", delivery=made.delivery_id)
    error = call(desk, "generate_handler", delivery=listed["fingerprint"])["error"]
    assert "is deleted. Choose a delivery whose body is kept" in error


def test_handler_of_another_sender_takes_its_event() -> None:
    hooks = Receiver(SECRET, store=MemoryStore(), sender=Stripe())
    hooks.on("invoice.paid")(lambda _: None)
    desk = desk_of(hooks)
    made = Provider(SECRET, sender=Stripe(), check_names=False).make("invoice.paid")
    hooks.receive(*made)
    (listed,) = call(desk, "list_deliveries")["deliveries"]
    code = call(desk, "generate_handler", delivery=listed["fingerprint"])
    ast.parse(code["handler"])
    assert "handle_invoice_paid" in code["handler"]
