"""Discord: both kinds of PING, typed events, and the one status that counts as success."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from florentin_webhooks import DeliveryReport, Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.errors import ConfigurationError, MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.registration import OnAnyEvent
from florentin_webhooks.senders import Discord
from florentin_webhooks.senders.services.discord_events import (
    ApplicationAuthorized,
    EntitlementCreated,
    EntitlementEvent,
)
from tests.support.recorder import Recorder
from tests.support.senders import CASES, NOW

pytestmark = pytest.mark.one_process
DISCORD = next(case for case in CASES if case.name == "discord")
TIME = "2026-06-06T11:59:00.123456"
ENTITLEMENT = {
    "id": "1",
    "sku_id": "2",
    "application_id": "3",
    "user_id": "4",
    "type": 8,
    "deleted": False,
    "ends_at": "2026-07-06T12:00:00+00:00",
}


def receiver() -> Receiver[OnAnyEvent]:
    return Receiver(DISCORD.secrets, sender=Discord(), clock=lambda: NOW)


def body_of(kind: str, data: object) -> bytes:
    event = {"type": kind, "timestamp": TIME, "data": data}
    return json.dumps({"version": 1, "application_id": "3", "type": 1, "event": event}).encode()


def test_signature_by_the_documentation_is_genuine() -> None:
    # "Setting up an endpoint": the timestamp and the raw body, one after the other.
    private = Ed25519PrivateKey.generate()
    stamp, body = str(int(NOW.timestamp())), body_of("APPLICATION_DEAUTHORIZED", {"user": {}})
    signature = private.sign(stamp.encode() + body).hex()
    headers = {"X-Signature-Ed25519": signature, "X-Signature-Timestamp": stamp}
    scheme = Discord().scheme(private.public_key().public_bytes_raw().hex())
    assert scheme.authenticate(headers, body, NOW).timestamp == NOW


@pytest.mark.parametrize(
    ("ping", "status", "answer"),
    [
        ({"version": 1, "application_id": "3", "type": 0}, 204, b""),
        ({"version": 1, "id": "9", "type": 1, "token": "x"}, 200, b'{"type":1}'),
    ],
)
def test_ping_is_answered(ping: dict[str, object], status: int, answer: bytes) -> None:
    request = DISCORD.sign(json.dumps(ping).encode())
    reply = DISCORD.receiver().receive(request.headers, request.body)
    assert (reply.outcome, reply.status, reply.body) == (Outcome.ANSWERED, status, answer)


def test_ping_is_logged_and_observed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    request, recorder = DISCORD.sign(b'{"type":1}'), Recorder()
    hooks = DISCORD.receiver()
    hooks.observe(recorder)
    hooks.receive(request.headers, request.body)
    ((method, report),) = recorder.seen
    assert isinstance(report, DeliveryReport)
    assert (method, report.outcome) == ("accepted", Outcome.ANSWERED)
    assert report.duration is not None
    assert f"answered {report.fingerprint}" in caplog.text


def test_ping_with_a_wrong_signature_is_a_401() -> None:
    request = DISCORD.sign(b'{"type":1}')
    reply = DISCORD.receiver().receive(request.headers, b'{"type":0}')
    assert reply.status == 401


@pytest.mark.parametrize(
    "body", [b'{"type":2,"data":{}}', b'{"type":true}', b'{"type":0,"event":{}}', b"{}"]
)
def test_interaction_is_malformed(body: bytes) -> None:
    request = DISCORD.sign(body)
    with pytest.raises(MalformedDelivery):
        DISCORD.receiver().verify(request.headers, body)


def test_event_has_its_type_and_its_time() -> None:
    request = DISCORD.sign(body_of("ENTITLEMENT_CREATE", ENTITLEMENT))
    event = DISCORD.receiver().verify(request.headers, request.body)[1]
    assert isinstance(event, EntitlementCreated)
    assert (event.data.user_id, event.data.ends_at) == ("4", datetime(2026, 7, 6, 12, tzinfo=UTC))
    assert event.timestamp == datetime(2026, 6, 6, 11, 59, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("time", ["2026-06-06T11:59:00Z", "2026-06-06T13:59:00+02:00"])
def test_event_may_have_an_offset_and_no_data(time: str) -> None:
    inner = {"type": "QUEST_USER_ENROLLMENT", "timestamp": time}
    request = DISCORD.sign(json.dumps({"version": 1, "type": 1, "event": inner}).encode())
    event = DISCORD.receiver().verify(request.headers, request.body)[1]
    assert event.data == {}
    assert event.timestamp == datetime(2026, 6, 6, 11, 59, tzinfo=UTC)


def test_handlers_subscribe_by_class_and_family() -> None:
    hooks, seen = receiver(), list[str]()
    hooks.on(EntitlementEvent)(lambda event: seen.append(event.data.sku_id))
    hooks.on(ApplicationAuthorized)(lambda event: seen.extend(event.data.scopes))
    authorized = {"user": {"id": "4"}, "scopes": ["identify"], "integration_type": 1}
    for body in (
        body_of("ENTITLEMENT_UPDATE", ENTITLEMENT),
        body_of("APPLICATION_AUTHORIZED", authorized),
    ):
        reply = hooks.receive(DISCORD.sign(body).headers, body)
        assert (reply.outcome, reply.status, reply.body) == (Outcome.PROCESSED, 204, b"")
    assert seen == ["2", "identify"]


def test_failure_keeps_its_status() -> None:
    hooks = receiver()
    hooks.on("ENTITLEMENT_CREATE")(lambda event: event.data.missing)
    request = DISCORD.sign(body_of("ENTITLEMENT_CREATE", ENTITLEMENT))
    assert hooks.receive(request.headers, request.body).status == 500


def test_reply_without_content_has_no_length() -> None:
    request, sent = DISCORD.make(), list[Mapping[str, object]]()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": request.body}

    async def send(message: Mapping[str, object]) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(WebhookApp(DISCORD.receiver())(scope, receive, send))
    assert (sent[0]["status"], sent[1]["body"]) == (204, b"")
    assert b"content-length" not in dict(sent[0]["headers"])  # type: ignore[call-overload]


@pytest.mark.parametrize("secret", ["", "ab" * 31, "zz" * 32, " " + "ab" * 32, "ab" * 33])
def test_secret_that_is_not_a_public_key_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError):
        Discord().scheme(secret)
