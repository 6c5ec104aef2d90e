"""The test kit's sender: exact bytes, samples merged with data, and real requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import CATALOGUE, Event
from florentin_webhooks.senders import SNS, GitHub, StandardWebhooks
from florentin_webhooks.senders.florentin.samples import sample
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.answering import Answering
from tests.support.senders import BASE64_SECRET, CASES, NOW, RAW_SECRET, URL, V1A, SenderCase
from tests.support.vectors import SECRET, T0, sign


@pytest.fixture
def provider() -> Provider:
    return Provider(SECRET, clock=lambda: T0)


class Seen(Receiver):
    """A receiver that keeps what it handled."""

    def __init__(self) -> None:
        super().__init__(SECRET, clock=lambda: T0)
        self.deliveries: list[Delivery] = []
        self.on(Event)(self._keep)

    def _keep(self, _: Event, delivery: Delivery) -> None:
        self.deliveries.append(delivery)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with Answering() as answering:
        yield answering


def data(made: SignedDelivery) -> dict[str, Any]:  # Any: JSON.
    found: dict[str, Any] = json.loads(made.body)["data"]
    return {key: value for key, value in found.items() if key != "request"}


# --- make ---


def test_headers_and_body_can_be_unpacked(provider: Provider) -> None:
    headers, body = provider.make("user.login")
    assert headers["X-Florentin-Signature"] == sign(body)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_event_is_made_from_its_sample(provider: Provider, name: str) -> None:
    assert data(provider.make(name)) == sample(name)


@pytest.mark.parametrize("name", [*CATALOGUE, "payment.failed"])
def test_new_delivery_is_accepted(provider: Provider, seen: Seen, name: str) -> None:
    assert provider.deliver(seen, name).outcome == "processed"


def test_event_without_a_sample_has_only_the_given_data(provider: Provider) -> None:
    assert data(provider.make("payment.failed", reason="no funds")) == {"reason": "no funds"}


def test_headers_are_those_of_florentin(provider: Provider) -> None:
    assert list(provider.make("user.login").headers) == [
        "Content-Type",
        "X-Florentin-Event",
        "X-Florentin-Signature",
        "X-Florentin-Timestamp",
        "X-Florentin-Delivery-Id",
    ]


@pytest.mark.parametrize("clock", [T0, T0.astimezone(timezone(timedelta(hours=5)))])
def test_timestamp_comes_from_the_clock(clock: datetime) -> None:
    made = Provider(SECRET, clock=lambda: clock).make("user.login")
    stamps = (made.headers["X-Florentin-Timestamp"], json.loads(made.body)["timestamp"])
    assert stamps == ("2026-06-06T12:00:00.000Z",) * 2


def test_default_clock_is_the_current_time() -> None:
    made = Provider(SECRET).make("user.login")
    stamp = datetime.fromisoformat(json.loads(made.body)["timestamp"])
    assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=1)


def test_data_is_merged_deeply(provider: Provider) -> None:
    made = provider.make("invoice.created", invoice={"amount_due": 0, "tax": {"rate": 19}})
    invoice = sample("invoice.created")["invoice"]
    assert data(made) == {"invoice": {**invoice, "amount_due": 0, "tax": {"rate": 19}}}


@pytest.mark.parametrize("value", [None, 0, "", [], [{}], "text"])
def test_value_that_is_not_an_object_replaces_the_sample(provider: Provider, value: object) -> None:
    assert data(provider.make("user.login", user=value))["user"] == value


def test_object_replaces_a_null(provider: Provider) -> None:
    assert data(provider.make("tos.accepted", terms={"version": {"major": 2}}))["terms"] == {
        "version": {"major": 2}
    }


def test_merging_does_not_change_the_samples(provider: Provider) -> None:
    before = sample("invoice.created")
    provider.make("invoice.created", invoice={"amount_due": 0})
    assert sample("invoice.created") == before


@pytest.mark.parametrize("name", ["event", "self", "target", "data"])
def test_data_may_be_named_like_an_argument(provider: Provider, name: str) -> None:
    assert data(provider.make("payment.failed", **{name: 1})) == {name: 1}


def test_deliveries_of_two_providers_share_no_bytes_and_no_id() -> None:
    made = [Provider(SECRET, clock=lambda: T0).make("user.login") for _ in range(100)]
    bodies = {each.body for each in made}
    ids = {each.headers["X-Florentin-Delivery-Id"] for each in made}
    assert (len(bodies), len(ids)) == (100, 100)


def test_the_first_of_several_secrets_signs() -> None:
    headers, body = Provider({"new": SECRET, "old": "another-secret-of-length"}).make("user.login")
    assert headers["X-Florentin-Signature"] == sign(body)


# --- sign ---


@pytest.mark.parametrize("body", [b"", b"{}", b' { "event" :\n1}', b"\xff\x00"])
def test_sign_keeps_the_given_bytes(provider: Provider, body: bytes) -> None:
    made = provider.sign("user.login", body, delivery_id="7c1f")
    assert (made.body, made.headers["X-Florentin-Signature"]) == (body, sign(body))


def test_sign_puts_event_and_id_into_the_headers(provider: Provider) -> None:
    headers = provider.sign("user.login", b"{}", delivery_id="7c1f").headers
    assert (headers["X-Florentin-Event"], headers["X-Florentin-Delivery-Id"]) == (
        "user.login",
        "7c1f",
    )


# --- send ---


def test_receiver_gets_exactly_the_bytes(provider: Provider, seen: Seen) -> None:
    made = provider.make("user.login")
    provider.send(seen, made)
    assert [each.body for each in seen.deliveries] == [made.body]


def test_response_of_a_receiver_equals_its_reply(provider: Provider, seen: Seen) -> None:
    answer = provider.deliver(seen, "user.login")
    result = json.loads(answer.body)["data"]
    assert (answer.status, result["outcome"], answer.headers["Content-Type"]) == (
        200,
        "processed",
        "application/json",
    )


def test_delivery_sent_twice_is_a_duplicate(provider: Provider, seen: Seen) -> None:
    made = provider.make("user.login")
    assert [provider.send(seen, made).outcome for _ in range(2)] == ["processed", "duplicate"]


def test_provider_with_another_secret_is_refused(seen: Seen) -> None:
    forger = Provider("another-secret-of-length", clock=lambda: T0)
    assert forger.deliver(seen, "user.login").outcome == "invalid-signature"


def test_url_gets_exactly_the_bytes(provider: Provider, server: Answering) -> None:
    made = provider.make("user.login")
    provider.send(f"{server.url}/webhooks", made)
    assert server.requests[-1].body == made.body


def test_url_gets_the_headers(provider: Provider, server: Answering) -> None:
    made = provider.make("user.login")
    provider.send(f"{server.url}/webhooks", made)
    assert server.requests[-1].headers.items() >= made.headers.items()


def test_deliver_sends_to_a_url(provider: Provider, server: Answering) -> None:
    provider.deliver(f"{server.url}/webhooks", "user.login", user={"id": "usr_1"})
    assert json.loads(server.requests[-1].body)["data"]["user"]["id"] == "usr_1"


@pytest.mark.anyio
async def test_new_delivery_can_be_received_in_an_event_loop(
    provider: Provider, seen: Seen
) -> None:
    reply = await seen.areceive(*provider.make("user.login"))
    assert reply.outcome == "processed"


def test_restamped_retry_keeps_id_and_data(provider: Provider, seen: Seen) -> None:
    original = provider.make("user.login")
    retry = Provider(SECRET, clock=lambda: T0 + timedelta(seconds=5)).restamp(original)
    first, second = (json.loads(each.body) for each in (original, retry))
    assert retry.headers["X-Florentin-Delivery-Id"] == original.headers["X-Florentin-Delivery-Id"]
    assert (second["data"], second["event"]) == (first["data"], first["event"])
    assert second["timestamp"] > first["timestamp"]
    outcomes = [provider.send(seen, each).outcome for each in (original, retry)]
    assert outcomes == ["processed", "duplicate"]


def test_restamped_retry_differs_within_the_same_millisecond(provider: Provider) -> None:
    original = provider.make("user.login")
    assert provider.restamp(original).body != original.body


def test_redelivery_has_the_same_bytes_under_a_new_id(provider: Provider, seen: Seen) -> None:
    original = provider.make("user.login")
    again = provider.redeliver(original)
    assert again.body == original.body
    assert again.headers["X-Florentin-Delivery-Id"] != original.headers["X-Florentin-Delivery-Id"]
    outcomes = [provider.send(seen, each).outcome for each in (original, again)]
    assert outcomes == ["processed", "duplicate"]


@pytest.mark.parametrize("data", [{"user": {"id": 1}}, [1], None])
def test_tampered_delivery_is_rejected(data: object, provider: Provider, seen: Seen) -> None:
    body = json.dumps({"event": "user.login", "timestamp": "now", "data": data}).encode()
    tampered = provider.tamper(provider.sign("user.login", body, delivery_id="d-1"))
    assert tampered.body != body
    assert provider.send(seen, tampered).outcome == "invalid-signature"
    assert seen.deliveries == []


# --- other senders ---


SIGNING = [case for case in CASES if not case.signer]


@pytest.mark.parametrize("case", SIGNING, ids=str)
def test_delivery_of_every_sender_is_genuine(case: SenderCase) -> None:
    secrets = case.private or case.secrets
    provider = Provider(secrets, sender=case.sender, url=URL, clock=lambda: NOW)
    receiver = case.receiver()
    case.subscribe(receiver, print)
    made = provider.make(case.event)
    delivery, event = receiver.verify(*made, URL)
    assert (delivery.event, event.event) == (case.event, case.event)
    assert provider.send(receiver, made).outcome == "processed"
    assert provider.send(receiver, provider.restamp(made)).outcome == "duplicate"
    assert provider.send(receiver, provider.redeliver(made)).outcome == "duplicate"
    tampered = provider.send(receiver, provider.tamper(made)).outcome
    assert tampered == ("invalid-signature" if case.covers_body else "duplicate")
    assert provider.deliver(receiver, case.event, amount=5).outcome == "processed"


def test_data_of_another_sender_reaches_the_handler() -> None:
    receiver, seen = Receiver(BASE64_SECRET, sender=StandardWebhooks()), list[Any]()
    receiver.on("invoice.paid")(lambda event: seen.append(event.data))
    Provider(BASE64_SECRET, sender=StandardWebhooks()).deliver(receiver, "invoice.paid", amount=5)
    assert [data["amount"] for data in seen] == [5]


def test_sender_whose_private_key_is_unknown_cannot_be_simulated() -> None:
    with pytest.raises(ConfigurationError, match="SNS cannot be simulated"):
        Provider("arn:aws:sns:eu-central-1:123456789012:orders", sender=SNS())


def test_public_key_cannot_sign() -> None:
    with pytest.raises(ConfigurationError, match="cannot sign"):
        Provider(V1A["secrets"], sender=StandardWebhooks()).make("invoice.paid")


class Bare(GitHub):
    """A sender that cannot write bodies."""

    restamp = None  # type: ignore[assignment]


def test_sender_without_samples_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"GitHub cannot be simulated: .* sample"):
        Provider(RAW_SECRET, sender=Bare(), check_names=False).make("ping")
