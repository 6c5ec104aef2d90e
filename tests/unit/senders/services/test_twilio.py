"""Twilio: the published examples, the URL behind a proxy, one identity for all spellings."""

from __future__ import annotations

import json
from hashlib import sha256
from urllib.parse import urlencode

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import Twilio
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.schemes.keys import HMACKey
from florentin_webhooks.senders.schemes.scheme import NamedKey
from florentin_webhooks.senders.services.twilio.signed_form import add_body_hash
from tests.support.sender_case import sign
from tests.support.senders import CASES, NOW, RAW_SECRET, URL

pytestmark = pytest.mark.one_process
TWILIO = next(case for case in CASES if case.name == "twilio")
EXAMPLE = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = (
    b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309"
    b"&To=%2B18005551212"
)
JSON = b'{"property": "value", "boolean": true}'
HASH = "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


class ShortKeys(Twilio):
    """The token of the published examples is shorter than ours may be."""

    def make_key(self, name: str, secret: bytes) -> NamedKey:
        return NamedKey(name, HMACKey(secret, self.algorithm))


@pytest.mark.parametrize(
    ("url", "body", "signature"),
    [
        # "Secure webhooks", and the tests of Twilio's libraries.
        (EXAMPLE, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (EXAMPLE.replace(".com", ".com:443"), FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (EXAMPLE + HASH, JSON, "a9nBmqA0ju/hNViExpshrM61xv4="),
        (
            EXAMPLE,
            b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ],
)
def test_published_example_is_genuine(url: str, body: bytes, signature: str) -> None:
    headers = {"X-Twilio-Signature": signature}
    scheme = ShortKeys().scheme("12345")
    assert scheme.authenticate(headers, body, NOW, url).secret == "secret-1"
    with pytest.raises(InvalidSignature):
        scheme.authenticate(headers, body.replace(b"1234", b"9999") + b" ", NOW, url)


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"MessageSid": "SM1", "SmsStatus": "received"}, "message.received"),
        ({"MessageStatus": "delivered", "SmsStatus": "delivered"}, "message.delivered"),
        ({"CallSid": "CA1", "CallStatus": "completed"}, "call.completed"),
        ({"EventType": "task.created"}, "task.created"),
        ({"StatusCallbackEvent": "room-created", "RoomSid": "RM1"}, "room-created"),
        ({"AccountSid": "AC1"}, "callback"),
    ],
)
def test_event_is_named_by_the_form(fields: dict[str, str], event: str) -> None:
    request = TWILIO.sign(urlencode(fields).encode())
    typed = TWILIO.receiver().verify(request.headers, request.body, URL)[1]
    assert (typed.event, typed.data) == (event, fields)


def test_event_stream_is_handled_item_by_item() -> None:
    sent = "com.twilio.messaging.message.sent"
    items = [{"id": f"EZ{n}", "type": sent, "data": {"n": n}} for n in range(2)]
    body = json.dumps(items).encode()
    url, request = add_body_hash(URL, body), TWILIO.sign(body)
    receiver, seen = Receiver(RAW_SECRET, sender=Twilio()), list[Event]()
    receiver.on(sent)(seen.append)
    assert receiver.receive(request.headers, body, url).outcome == "processed"
    assert [event.data for event in seen] == [{"n": 0}, {"n": 1}]


def test_event_cannot_be_named_as_a_list_is() -> None:
    request = TWILIO.sign(b"EventType=batch")
    with pytest.raises(MalformedDelivery, match="not the name"):
        TWILIO.receiver().verify(request.headers, request.body, URL)


def test_json_without_its_hash_in_the_url_is_refused() -> None:
    body = b'{"type":"x"}'
    signed = TWILIO.sign(body)
    good = add_body_hash(URL, body)
    assert TWILIO.receiver().verify(signed.headers, body, good)[0].event == "x"
    for url in (URL, f"{good}&a=1", good[:-1], good.upper()):
        headers = sign(Twilio(), RAW_SECRET, b"", url)
        with pytest.raises(InvalidSignature):
            TWILIO.receiver().verify(headers, body, url)


def test_delivery_id_is_a_digest_of_what_was_signed() -> None:
    request = TWILIO.sign(b"To=b&From=a")
    delivery = TWILIO.receiver().verify(request.headers, request.body, URL)[0]
    # Another id would be another identity: what an earlier version has handled would run again.
    assert delivery.delivery_id == sha256(f"{URL}FromaTob".encode()).hexdigest()[:32]


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (URL, URL.replace(".example", ".example:443")),
        ("http://shop.example/x", "http://shop.example:80/x"),
        ("https://shop.example:8443/x", "https://shop.example/x"),
    ],
)
def test_port_may_be_signed_or_not(url: str, signed: str) -> None:
    headers = sign(Twilio(), RAW_SECRET, b"To=b", signed)
    assert TWILIO.receiver().verify(headers, b"To=b", url)[0].event == "callback"
    with pytest.raises(InvalidSignature, match="mismatch"):
        TWILIO.receiver().verify(headers, b"To=c", url)


def test_request_without_a_url_or_a_form_is_refused() -> None:
    headers = TWILIO.make().headers
    with pytest.raises(InvalidSignature, match="missing"):
        TWILIO.receiver().verify(headers, b"To=b", None)
    with pytest.raises(InvalidSignature, match="malformed"):
        TWILIO.receiver().verify(headers, b"To=%ff", URL)


def test_hash_of_a_body_is_the_last_parameter() -> None:
    digest = sha256(JSON).hexdigest()
    assert add_body_hash("https://a.example/x", JSON) == f"https://a.example/x?bodySHA256={digest}"
    assert add_body_hash(EXAMPLE, JSON) == EXAMPLE + HASH


def test_other_spelling_of_a_captured_form_is_a_duplicate() -> None:
    receiver, request = TWILIO.receiver(), TWILIO.make()
    receiver.on_unknown(print)
    pairs = request.body.split(b"&")
    spellings = [
        (request.body, URL),
        (b"&".join(reversed(pairs)), URL),
        (request.body.replace(b"Hi", b"%48%69"), URL),
        (request.body + b"&" + pairs[0], URL),
        (request.body, URL.replace(".example", ".example:443")),
    ]
    replies = [receiver.receive(request.headers, body, url) for body, url in spellings]
    assert [each.outcome for each in replies] == [Outcome.PROCESSED] + 4 * [Outcome.DUPLICATE]
    assert [(each.status, each.body) for each in replies] == 5 * [(204, b"")]


def test_configured_url_counts_behind_a_proxy() -> None:
    request = TWILIO.make()
    receiver = Receiver(
        RAW_SECRET, sender=Twilio(url="https://shop.example/webhooks"), clock=lambda: NOW
    )
    called = "http://10.0.0.7:8000/inside?tenant=1"
    assert receiver.verify(request.headers, request.body, called)[0].event == TWILIO.event
    with pytest.raises(InvalidSignature):
        TWILIO.receiver().verify(request.headers, request.body, called)
    for url in (None, "", "/webhooks", "https://[", "https://a:99999/"):
        with pytest.raises(InvalidSignature):
            TWILIO.receiver().verify(request.headers, request.body, url)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("message.received", {"Body": "Hi +1"}),
        ("call.completed", {"Digits": ["1", "2"]}),
        ("stream.started", {"Count": 2, "Flag": None}),
        ("callback", {"To": "Ada"}),
    ],
)
def test_sample_has_event_and_data_as_a_form(event: str, data: dict[str, object]) -> None:
    body = Twilio().sample(event, data, "d1", NOW).body
    message = Twilio().parse(body, Metadata("", NOW))
    assert message.event == event
    texts = {"Count": "2", "Flag": "null"} if event == "stream.started" else data
    assert dict(message.envelope).items() >= texts.items()


def test_sample_of_a_list_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="hash is in the URL"):
        Twilio().sample("batch", {}, "d1", NOW)


def test_algorithm_is_configured_and_never_requested() -> None:
    request = TWILIO.make()
    settings = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}
    shared = Receiver(RAW_SECRET, sender=Twilio(algorithm="sha256"), clock=lambda: NOW)
    longer = sign(Twilio(algorithm="sha256"), RAW_SECRET, request.body)
    assert shared.verify(longer, request.body, URL)[0].event == TWILIO.event
    TWILIO.receiver().verify(request.headers | settings, request.body, URL)
    for receiver, headers in ((TWILIO.receiver(), longer), (shared, request.headers)):
        with pytest.raises(InvalidSignature):
            receiver.verify(headers | settings, request.body, URL)
    with pytest.raises(ConfigurationError, match="unknown"):
        Twilio(algorithm="md5")  # type: ignore[arg-type]
