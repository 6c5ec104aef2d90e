"""Deliveries that the page sends: valid ones, and one with each fault."""

from __future__ import annotations

import json
import re

import pytest

from florentin_webhooks import Receiver, events
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.inspector.actions import read_notice
from florentin_webhooks.inspector.simulation import Fault, Simulation
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.senders import SNS, Discord, GitHub, Stripe, Twilio
from tests.support.inspected import SECRET, get, post, request, shown, site_of
from tests.support.ports import free_port
from tests.support.server import Switchboard
from tests.support.sns import TOPIC

EXPECTED = {
    Fault.NONE: "200 processed",
    Fault.DUPLICATE: "200 processed, then 200 duplicate",
    Fault.RESTAMPED: "200 processed, then 200 duplicate",
    Fault.TAMPERED: "401 invalid-signature",
    Fault.STALE: "400 stale",
    Fault.WRONG_SECRET: "401 invalid-signature",
}


@pytest.fixture
def hooks() -> Receiver:
    made = Receiver(SECRET, name="shop")
    made.on("user.login")(lambda _: None)
    return made


@pytest.fixture
def site(hooks: Receiver, board: Switchboard) -> Site:
    board.connect(WebhookApp(hooks))
    return site_of(hooks, simulation=Simulation({hooks: f"http://127.0.0.1:{board.port}/x"}))


def body_of(site: Site, event: str) -> str:
    html = get(site, f"/trigger?event={event}").body.decode()
    found = re.search(r"(?s)<textarea[^>]*>(.*?)</textarea>", html)
    assert found
    return found[1].replace("&#34;", '"')


@pytest.mark.parametrize("fault", list(Fault))
def test_fault_gets_the_reply_of_its_kind(fault: Fault, site: Site) -> None:
    body = body_of(site, "user.login")
    sent = post(site, "/trigger", receiver="shop", event="user.login", body=body, fault=fault)
    cookie = dict(sent.headers)["Set-Cookie"].partition(";")[0]
    text = shown(get(site, "/trigger", cookie=cookie))
    assert EXPECTED[fault] in text
    assert (", then" in text) == (", then" in EXPECTED[fault])


def test_edited_body_is_what_the_handler_gets(hooks: Receiver, site: Site) -> None:
    got: list[str] = []

    def bill(event: events.InvoiceCreated) -> None:
        got.append(event.data.invoice.number)

    hooks.on("invoice.created")(bill)
    body = json.loads(body_of(site, "invoice.created"))
    body["data"]["invoice"]["number"] = "INV-7"
    post(
        site,
        "/trigger",
        receiver="shop",
        event="invoice.created",
        body=json.dumps(body),
        fault="none",
    )
    assert got == ["INV-7"]


@pytest.mark.parametrize("body", ["", "not JSON", "[]", "7"])
def test_body_that_is_no_event_is_refused(body: str, site: Site) -> None:
    sent = post(site, "/trigger", receiver="shop", event="user.login", body=body, fault="none")
    notice = dict(sent.headers)["Set-Cookie"]
    assert "Not%20sent" in notice or "400%20malformed" in notice


def test_unknown_receiver_or_fault_is_not_found(site: Site) -> None:
    assert post(site, "/trigger", receiver="x", event="a", body="{}", fault="none").status == 404
    assert post(site, "/trigger", receiver="shop", event="a", body="{}", fault="x").status == 404


def test_page_without_a_simulation_is_not_found(hooks: Receiver) -> None:
    site = site_of(hooks)
    assert get(site, "/trigger").status == 404
    assert post(site, "/trigger", receiver="shop", event="a", body="{}", fault="none").status == 404


def test_receiver_that_is_not_served_is_named_in_the_notice(hooks: Receiver) -> None:
    site = site_of(hooks, simulation=Simulation({hooks: f"http://127.0.0.1:{free_port()}/x"}))
    body = body_of(site, "user.login")
    sent = post(site, "/trigger", receiver="shop", event="user.login", body=body, fault="none")
    cookie = dict(sent.headers)["Set-Cookie"].partition(";")[0]
    notice, _ = read_notice(request("/", cookie=cookie))
    assert notice is not None
    assert notice.text.startswith("Not sent: ")
    assert not notice.ok


def test_other_senders_are_simulated_where_they_can_sign() -> None:
    secret = "a-secret-for-several-senders"
    senders = (Stripe(), GitHub(), Twilio())
    receivers = [Receiver(secret, sender=each, name=each.name) for each in senders]
    silent = [
        Receiver(lambda _: secret, name="tenants"),
        Receiver("ab" * 32, sender=Discord(), name="public key"),
        Receiver(TOPIC, sender=SNS(), name="key of Amazon"),
    ]
    simulation = Simulation(dict.fromkeys([*silent, *receivers], "http://127.0.0.1:1/x"))
    assert list(simulation.targets) == ["Stripe", "GitHub", "Twilio"]
    shown = simulation.template("Stripe", "charge.succeeded")
    assert json.loads(shown)["type"] == "charge.succeeded"
    assert shown.startswith('{\n  "')
    assert "MessageSid=" in simulation.template("Twilio", "message.received")


def test_event_that_is_missing_from_the_catalogue_can_be_sent() -> None:
    simulation = Simulation({Receiver(SECRET, name="shop"): "http://127.0.0.1:1/x"})
    for event in ("a.new_event", "invoice.create"):
        assert json.loads(simulation.template("shop", event))["event"] == event


def test_body_that_is_nested_too_deep_is_not_sent(site: Site) -> None:
    body = "[" * 20_000
    sent = post(site, "/trigger", receiver="shop", event="user.login", body=body, fault="none")
    assert sent.status == 303
    assert "Not%20sent" in dict(sent.headers)["Set-Cookie"]
