"""A simulated SNS signs what its own receiver accepts, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.senders import SNS
from florentin_webhooks.senders.services.sns_events import Notification
from florentin_webhooks.senders.services.sns_simulation import SimulatedSNS
from florentin_webhooks.testing import Provider
from tests.support.sender_case import NOW
from tests.support.signing_keys import ED25519
from tests.support.sns import TOPIC, Amazon

pytestmark = pytest.mark.one_process
SENDER = SimulatedSNS(confirm=True)
PROVIDER = Provider(TOPIC, sender=SENDER, clock=lambda: NOW)


def receiver(sender: SNS = SENDER) -> Receiver[Any]:  # Any: the events of no type.
    return Receiver(TOPIC, sender=sender, clock=lambda: NOW)


def test_simulated_notification_is_typed() -> None:
    made = PROVIDER.make("Notification", message="42 parcels", subject="Parcels")
    _, event = receiver().verify(made.headers, made.body)
    assert isinstance(event, Notification)
    assert (event.data.message, event.data.subject) == ("42 parcels", "Parcels")
    assert event.timestamp == NOW


def test_simulated_retry_and_repetition_are_duplicates() -> None:
    hooks, made = receiver(), PROVIDER.make("Notification")
    hooks.on("Notification")(print)
    sent = [made, PROVIDER.restamp(made), PROVIDER.redeliver(made), PROVIDER.make("Notification")]
    outcomes = [PROVIDER.send(hooks, each).outcome for each in sent]
    assert outcomes == ["processed", "duplicate", "duplicate", "processed"]
    changed = made.body.replace(b"A simulated", b"Another")
    assert hooks.receive(made.headers, changed).status == 401


def test_simulated_confirmation_is_answered() -> None:
    assert PROVIDER.deliver(receiver(), "SubscriptionConfirmation").outcome == "answered"


def test_real_receiver_refuses_what_is_simulated() -> None:
    made = PROVIDER.make("Notification")
    amazon = Amazon({json.loads(made.body)["SigningCertURL"]: Amazon().fetch(_certificate())})
    with pytest.raises(InvalidSignature):
        receiver(SNS(fetch=amazon.fetch)).verify(made.headers, made.body)


def _certificate() -> str:
    return next(iter(Amazon().answers))


def test_processes_share_the_key_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sns.pem"
    made = Provider(TOPIC, sender=SimulatedSNS(path), clock=lambda: NOW).make("Notification")
    receiver(SimulatedSNS(path)).verify(made.headers, made.body)
    assert path.stat().st_mode & 0o077 == 0


def test_key_file_with_another_key_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "sns.pem"
    path.write_text(ED25519.private)
    with pytest.raises(ConfigurationError, match="no key of RSA"):
        Provider(TOPIC, sender=SimulatedSNS(path)).make("Notification")


def test_body_that_is_no_message_is_sent_as_it_is() -> None:
    for body in (b"raw delivery", b'{"Type": "Other"}'):
        assert PROVIDER.sign("Notification", body, delivery_id="d1").body == body
