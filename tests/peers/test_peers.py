"""The senders' own packages sign what we verify, and verify what we sign: ``make peers``."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from florentin_webhooks.senders.services.commerce.stripe_events import EVENTS
from tests.support.peers import CASE, NOW, PEERS
from tests.support.senders import URL

pytestmark = pytest.mark.peers  # The packages take 150 MB.


@pytest.mark.parametrize("name", PEERS)
def test_peer_accepts_what_we_sign_and_no_other_body(name: str) -> None:
    peer, request = PEERS[name](), CASE[name].make(NOW)
    assert peer.accepts(request)
    changed = request.body.replace(b'"', b"'", 1).replace(b"Hi", b"Ho")
    assert changed != request.body
    assert not peer.accepts(request._replace(body=changed))


@pytest.mark.parametrize(
    "name", [name for name, peer in PEERS.items() if hasattr(peer, "signature")]
)
def test_we_accept_what_a_peer_signs(name: str) -> None:
    case, peer = CASE[name], PEERS[name]()
    body = case.make(NOW).body
    receiver = case.receiver(NOW + timedelta(seconds=1))
    assert receiver.verify(peer.signature(body), body, URL)[0].event == case.event


def test_families_of_stripes_events_are_those_of_its_package() -> None:
    params: Any = import_module("stripe.params._webhook_endpoint_create_params")
    field = params.WebhookEndpointCreateParams.__annotations__["enabled_events"]
    listed = re.findall(r"['\"]([a-z_.0-9]+)['\"]", str(field))
    assert len(listed) > 200
    families = {name.partition(".")[0] for name in listed}
    assert EVENTS - {"v1", "v2"} == families
