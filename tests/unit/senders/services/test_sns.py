"""Amazon SNS: what is signed, whose topics count, and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.registration import OnAnyEvent
from florentin_webhooks.senders import SNS
from florentin_webhooks.senders.services.sns_events import Notification, SubscriptionConfirmation
from tests.support import sns
from tests.support.senders import NOW
from tests.support.sns import CONFIRM_URL, TOPIC, Amazon

pytestmark = pytest.mark.one_process
CONFIRMATION = b'{"Type": "SubscriptionConfirmation", "Message": "You have chosen ..."}'


def receiver(
    amazon: Amazon, age: timedelta = timedelta(), *, confirm: bool = False
) -> Receiver[OnAnyEvent]:
    sender = SNS(fetch=amazon.fetch, confirm=confirm)
    return Receiver(TOPIC, sender=sender, clock=lambda: NOW + age)


def notification(**fields: object) -> bytes:
    message = {"Type": "Notification", "Message": "paid", **fields}
    return sns.sign(json.dumps(message).encode(), NOW)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Invoice 7"}])
def test_signature_by_the_documentation_is_genuine(version: str, subject: dict[str, str]) -> None:
    message = {"Type": "Notification", "Message": "line 1\nline 2", **subject}
    body = sns.sign(json.dumps(message).encode(), NOW, version=version)
    delivery, event = receiver(Amazon()).verify({}, body)
    assert isinstance(event, Notification)
    assert (event.data.message, event.data.subject) == ("line 1\nline 2", subject.get("Subject"))
    assert (delivery.delivery_id, event.timestamp) == (sns.MESSAGE_ID, NOW)


def test_unsigned_fields_reach_no_handler() -> None:
    body = json.loads(notification()) | {"MessageAttributes": {"a": 1}, "UnsubscribeURL": "x"}
    event = receiver(Amazon()).verify({}, json.dumps(body).encode())[1]
    assert not event.model_extra
    assert set(event.data.model_dump(by_alias=True)) == {
        *("Message", "MessageId", "TopicArn", "Subject", "Timestamp", "Type")
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"TopicArn": TOPIC.replace("invoices", "others")},
        {"TopicArn": TOPIC.replace("1234", "9999")},
        {"Subject": "two\nlines"},
        {"MessageId": "7"},
        {"Timestamp": "2026-06-06T12:00:00Z"},
        {"Type": "Invoice"},
    ],
)
def test_message_that_is_not_ours_is_refused_without_a_download(
    fields: dict[str, str],
) -> None:
    amazon = Amazon()
    with pytest.raises(InvalidSignature):
        receiver(amazon).verify({}, notification(**fields))
    assert amazon.fetched == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?a=1",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-/../a.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem\n",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    ],
)
def test_certificate_from_elsewhere_is_never_downloaded(url: str) -> None:
    amazon = Amazon()
    body = json.dumps(json.loads(notification()) | {"SigningCertURL": url}).encode()
    with pytest.raises(InvalidSignature, match="malformed"):
        receiver(amazon).verify({}, body)
    assert amazon.fetched == []


def test_topic_in_china_has_its_own_host() -> None:
    topic = TOPIC.replace("aws:", "aws-cn:").replace("eu-west-1", "cn-north-1")
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem"
    body = json.loads(notification(TopicArn=topic)) | {"SigningCertURL": url}
    amazon = Amazon({url: sns.certificate("amazon")})
    hooks = Receiver(topic, sender=SNS(fetch=amazon.fetch), clock=lambda: NOW)
    assert hooks.verify({}, json.dumps(body).encode())[0].event == "Notification"


def test_day_that_does_not_exist_is_malformed() -> None:
    with pytest.raises(MalformedDelivery, match="Timestamp is not a time"):
        receiver(Amazon()).verify({}, notification(Timestamp="2026-02-30T12:00:00.000Z"))


def test_version_that_is_not_wanted_is_refused() -> None:
    sender = SNS(fetch=Amazon().fetch, signature_versions=("2",))
    hooks = Receiver(TOPIC, sender=sender, clock=lambda: NOW)
    with pytest.raises(InvalidSignature):
        hooks.verify({}, notification())


def test_other_bytes_under_the_same_message_id_are_a_duplicate() -> None:
    hooks = receiver(Amazon())
    hooks.on("Notification")(print)
    other = json.dumps(json.loads(notification()) | {"UnsubscribeURL": "x"}).encode()
    outcomes = [hooks.receive({}, body).outcome for body in (notification(), other)]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]


# --- subscriptions ---


def test_confirmation_is_an_event_by_default() -> None:
    amazon, seen = Amazon(), list[Event]()
    hooks = receiver(amazon)
    hooks.on(SubscriptionConfirmation)(seen.append)
    assert hooks.receive({}, sns.sign(CONFIRMATION, NOW)).outcome is Outcome.PROCESSED
    assert seen[0].data.subscribe_url == CONFIRM_URL
    assert amazon.fetched == [sns.CERTIFICATE_URL]


def test_confirmation_is_answered_on_request() -> None:
    amazon = Amazon({CONFIRM_URL: b"<ConfirmSubscriptionResponse/>"})
    reply = receiver(amazon, confirm=True).receive({}, sns.sign(CONFIRMATION, NOW))
    assert (reply.outcome, reply.status, reply.body) == (Outcome.ANSWERED, 200, b"")
    assert amazon.fetched == [sns.CERTIFICATE_URL, CONFIRM_URL]


def test_confirmation_that_amazon_refuses_is_tried_again() -> None:
    reply = receiver(Amazon(), confirm=True).receive({}, sns.sign(CONFIRMATION, NOW))
    assert (reply.outcome, reply.status) == (Outcome.UNAVAILABLE, 503)


@pytest.mark.parametrize(
    ("body", "age"),
    [(CONFIRMATION, timedelta(hours=3)), (b'{"Type": "Notification"}', timedelta())],
)
def test_old_confirmation_and_notification_confirm_nothing(body: bytes, age: timedelta) -> None:
    amazon = Amazon()
    receiver(amazon, age, confirm=True).receive({}, sns.sign(body, NOW))
    assert amazon.fetched == [sns.CERTIFICATE_URL]


def test_verify_confirms_nothing() -> None:
    amazon = Amazon()
    receiver(amazon, confirm=True).verify({}, sns.sign(CONFIRMATION, NOW))
    assert amazon.fetched == [sns.CERTIFICATE_URL]


def test_subscription_url_from_elsewhere_is_malformed() -> None:
    amazon, fields = Amazon(), json.loads(CONFIRMATION)
    fields["SubscribeURL"] = CONFIRM_URL.replace("amazonaws.com", "amazonaws.com.evil.example")
    with pytest.raises(MalformedDelivery, match="SubscribeURL"):
        receiver(amazon, confirm=True).verify({}, sns.sign(json.dumps(fields).encode(), NOW))
    assert amazon.fetched == [sns.CERTIFICATE_URL]


# --- configuration ---


@pytest.mark.parametrize(
    "topic", ["", "invoices", f" {TOPIC}", f"{TOPIC}é", TOPIC[:-8], "arn:aws:sqs:x:1:y"]
)
def test_secret_that_is_not_a_topic_is_a_configuration_error(topic: str) -> None:
    with pytest.raises(ConfigurationError):
        SNS().scheme(topic)


@pytest.mark.parametrize("versions", [(), ("3",), ("1", "sha1")])
def test_unknown_version_is_a_configuration_error(versions: Sequence[str]) -> None:
    with pytest.raises(ConfigurationError, match="signature_versions"):
        SNS(signature_versions=versions)  # type: ignore[arg-type]
