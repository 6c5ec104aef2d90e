"""SendGrid: the published example, lists of events, keys that are not of ECDSA."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, MalformedDelivery
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import SendGrid
from tests.support.sender_case import sign
from tests.support.senders import CASES, NOW, RAW_SECRET
from tests.support.signing_keys import ED25519, P256

pytestmark = pytest.mark.one_process
SENDGRID = next(case for case in CASES if case.name == "sendgrid")
# The tests of SendGrid's libraries; the body ends with a newline.
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
    "2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
HEADERS = {
    "X-Twilio-Email-Event-Webhook-Signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZU"
    "AiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
    "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
}
BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def test_published_example_is_genuine() -> None:
    sent = datetime.fromtimestamp(1_600_112_502, UTC)
    receiver = Receiver(KEY, sender=SendGrid(), clock=lambda: sent)
    event = receiver.verify(HEADERS, BODY)[1]
    assert (event.event, event.timestamp, event.data) == ("batch", sent, json.loads(BODY))


def test_each_item_is_an_event_with_its_time_and_data() -> None:
    receiver, seen = Receiver(P256.public, sender=SendGrid(), clock=lambda: NOW), list[Event]()
    receiver.on("bounce")(seen.append)
    item = {"event": "bounce", "sg_event_id": "x1", "timestamp": 1_600_112_492, "data": "theirs"}
    request = SENDGRID.sign(json.dumps([item, {"event": "open"}]).encode())
    assert receiver.receive(request.headers, request.body).outcome is Outcome.PROCESSED
    assert [event.data for event in seen] == [item]
    assert seen[0].timestamp == datetime.fromtimestamp(1_600_112_492, UTC)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'[{"event":"open"},null]', b"[[]]"])
def test_body_that_is_not_a_list_of_objects_is_malformed(body: bytes) -> None:
    request = SENDGRID.sign(body)
    with pytest.raises(MalformedDelivery):
        SENDGRID.receiver().verify(request.headers, request.body)


@pytest.mark.parametrize("secret", ["not base64!", "QUJD" * 10, ED25519.public, RAW_SECRET])
def test_secret_that_is_not_a_key_is_a_configuration_error(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="not a key of ECDSA"):
        SendGrid().scheme({"mine": secret})


@pytest.mark.parametrize("private", [False, True])
def test_key_of_another_curve_is_a_configuration_error(*, private: bool) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    der = (
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) if private else public
    )
    with pytest.raises(ConfigurationError, match="not a key of ECDSA"):
        SendGrid().scheme({"mine": b64encode(der).decode()})


def test_public_key_cannot_sign() -> None:
    with pytest.raises(TypeError):
        sign(SendGrid(), P256.public, b"[]")


@pytest.mark.parametrize(("event", "item"), [("batch", "delivered"), ("bounce", "bounce")])
def test_sample_is_a_list_of_one_item(event: str, item: str) -> None:
    (found,) = json.loads(SendGrid().sample(event, {"email": "ada@b.example"}, "d1", NOW).body)
    assert found == {
        "event": item,
        "sg_event_id": "d1",
        "timestamp": int(NOW.timestamp()),
        "email": "ada@b.example",
    }


def test_last_retry_may_keep_its_time() -> None:
    request = SENDGRID.make()
    receiver = SENDGRID.receiver(NOW + timedelta(days=1))
    assert receiver.verify(request.headers, request.body)[0].event == "batch"
