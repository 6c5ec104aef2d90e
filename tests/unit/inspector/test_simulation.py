"""Deliveries that the page sends: valid ones, and one with each fault."""

from __future__ import annotations

import json
import re

import pytest

from florentin_webhooks import Receiver, events
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.inspector.simulation import Fault, Simulation
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.senders import GitHub, Stripe
from tests.support.inspected import SECRET, get, post, shown, site_of
from tests.support.server import Switchboard

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
    assert EXPECTED[fault] in shown(get(site, "/trigger", cookie=cookie))


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


def test_other_senders_are_simulated_where_they_can_sign() -> None:
    secret = "a-secret-for-several-senders"
    receivers = [Receiver(secret, sender=each, name=each.name) for each in (Stripe(), GitHub())]
    simulation = Simulation(dict.fromkeys(receivers, "http://127.0.0.1:1/x"))
    assert list(simulation.targets) == ["Stripe", "GitHub"]
    assert json.loads(simulation.template("Stripe", "charge.succeeded"))


def test_body_that_is_nested_too_deep_is_not_sent(site: Site) -> None:
    body = "[" * 20_000
    sent = post(site, "/trigger", receiver="shop", event="user.login", body=body, fault="none")
    assert sent.status == 303
    assert "Not%20sent" in dict(sent.headers)["Set-Cookie"]
