"""Every mount passes on the URL that a sender signs, and what a look-up of secrets needs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from florentin_webhooks import Delivery, Receiver, Request
from florentin_webhooks.events import Event
from florentin_webhooks.senders import HMACSender
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support import vectors
from tests.support.http import Answer, call, scope_of
from tests.support.mounts import ASGI, WSGI, through_wsgi

pytestmark = pytest.mark.one_process

SECRETS = {"acme": "the-secret-of-acme-inc", "globex": "the-secret-of-globex"}
URL_SENDER = HMACSender(name="Parcels", signature_header="X-Sig", signed="{url}|{body}")
HOST = "shop.example"
MOUNTS = [("asgi", name) for name in ASGI] + [("wsgi", name) for name in WSGI]
PATH = "/webhooks"
ROUTES = {
    "route": "/webhooks/{tenant}",
    "fastapi": "/webhooks/{tenant}",
    "flask": "/webhooks/<tenant>",
    "django": "/webhooks/<tenant>",
}
"""How each framework spells a parameter; the other mounts have no patterns."""


def looked_up(request: Request) -> str:
    """Return the secret of the tenant in the path, or else in a header."""
    return SECRETS[request.path_params.get("tenant") or request.headers["X-Tenant"]]


def answer(
    mount: tuple[str, str], receiver: Receiver[Any], route: str, path: str, made: SignedDelivery
) -> Answer:
    headers = {"Host": HOST, **made.headers, "Content-Length": str(len(made.body))}
    pairs = tuple((name.encode(), value.encode()) for name, value in headers.items())
    request, (kind, name) = vectors.Request(pairs, made.body), mount
    if kind == "wsgi":
        return through_wsgi(WSGI[name](receiver, route), request, path)
    scope = scope_of(request, path)
    found = asyncio.run(call(ASGI[name](receiver, route), scope, [made.body]))
    assert found
    return found


@pytest.mark.parametrize("mount", MOUNTS, ids="-".join)
def test_signed_url_is_passed_on(mount: tuple[str, str]) -> None:
    receiver = Receiver(SECRETS["acme"], sender=URL_SENDER)
    receiver.on_unknown(print)
    for url, status in ((f"http://{HOST}{PATH}", 200), (f"http://other.example{PATH}", 401)):
        made = Provider(SECRETS["acme"], sender=URL_SENDER, url=url).make("parcel.sent")
        assert answer(mount, receiver, PATH, PATH, made).status == status


@pytest.mark.parametrize("mount", MOUNTS, ids="-".join)
def test_secrets_are_looked_up_by_path_or_header(mount: tuple[str, str]) -> None:
    receiver, seen = Receiver(looked_up), list[str]()

    @receiver.on(Event)
    def keep(_: Event, delivery: Delivery) -> None:
        seen.append(delivery.tenant)

    route = ROUTES.get(mount[1])
    for tenant, status in (("acme", 200), ("globex", 401), ("initech", 401)):
        made = Provider(SECRETS["acme"]).make("user.login")
        path = f"{PATH}/{tenant}" if route else PATH
        sent = SignedDelivery({**made.headers, "X-Tenant": tenant}, made.body)
        assert answer(mount, receiver, route or PATH, path, sent).status == status
    assert seen == (["acme"] if route else [""])
