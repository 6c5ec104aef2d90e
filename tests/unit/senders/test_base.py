"""The port of a sender: a second sender goes the whole way, and the core names none."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest, digest
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from pydantic import BaseModel

import florentin_webhooks
from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.events import CATALOGUE, Event, UnknownEvent
from florentin_webhooks.protocol.delivery import Outcome, Reply
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.protocol.headers import Headers, get_each
from florentin_webhooks.senders.base import Answer, Message, Metadata, Sender
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import Secrets, normalize_secrets

SECRET = "a-secret-of-the-parcel-service"
NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)


# --- a second sender: it signs id and time in headers, and has another envelope ---


class Parcel(BaseModel):
    weight: int


class ParcelSent(Event):
    event: Literal["parcel.sent"]
    data: Parcel


class ParcelScheme(NamedTuple):
    key: bytes

    def authenticate(
        self, headers: Headers, body: bytes, received_at: datetime, _url: str | None = None
    ) -> Metadata:
        values = get_each(headers, "parcel-id", "parcel-time", "parcel-signature")
        (number,), (seconds,), (signature,) = values
        if not compare_digest(sign(self.key, number, seconds, body), signature):
            raise InvalidSignature("mismatch")
        time = datetime.fromtimestamp(int(seconds), UTC)
        return Metadata("parcel", received_at, number, timestamp=time)

    def answer(self, body: bytes, message: Message, _secret: str) -> Answer | None:
        """Return the challenge of the post office, signed."""
        if message.event != "parcel.challenge":
            return None
        return Answer(sign(self.key, "", "", body).encode(), "text/plain")


class ParcelSender:
    name = "Parcel"
    catalogue: Mapping[str, type[Event]] = {"parcel.sent": ParcelSent}
    signs_delivery_id = True
    is_open = signs_url = False
    tolerance, retention = timedelta(minutes=15), timedelta(days=1)

    def scheme(self, secrets: Secrets) -> ParcelScheme:
        return ParcelScheme(normalize_secrets(secrets)[0][1])

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        kind, time = json.loads(body)["kind"], metadata.timestamp or metadata.received_at
        envelope = {"event": kind, "timestamp": time, "data": json.loads(body)}
        return Message(kind, time, envelope, metadata.timestamp)

    def retry_content(self, delivery_id: str | None, body: bytes) -> None:
        """Retries have the same bytes and the same id."""


class Courier(TemplateSender):
    """The same deliveries from a sender in ten lines, on the base for signed templates."""

    name = "Courier"
    form = SignatureFormat(
        signature_header="Parcel-Signature",
        id_header="Parcel-Id",
        timestamp_header="Parcel-Time",
    )
    template = Template.parse("{id}.{timestamp}.{body}")
    event_field = "kind"
    catalogue: Mapping[str, type[Event]] = {"parcel.sent": ParcelSent}


def sign(key: bytes, number: str, seconds: str, body: bytes) -> str:
    return digest(key, f"{number}.{seconds}.".encode() + body, "sha256").hex()


class Request(NamedTuple):
    headers: dict[str, str]
    body: bytes


def parcel(number: str = "1", kind: str = "parcel.sent", sent: datetime = NOW) -> Request:
    body, seconds = json.dumps({"kind": kind, "weight": 3}).encode(), str(int(sent.timestamp()))
    signature = sign(SECRET.encode(), number, seconds, body)
    headers = {"Parcel-Id": number, "Parcel-Time": seconds, "Parcel-Signature": signature}
    return Request(headers, body)


class Office:
    """A receiver of parcels, and the events and deliveries that its handlers received."""

    def __init__(self, sender: Sender) -> None:
        self.receiver = Receiver(SECRET, sender=sender, clock=lambda: NOW)
        self.sent: list[tuple[ParcelSent, Delivery]] = []
        self.unknown: list[UnknownEvent] = []
        self.receiver.on(ParcelSent)(self.handle)
        self.receiver.on_unknown(self.unknown.append)

    def handle(self, event: ParcelSent, delivery: Delivery) -> None:
        self.sent.append((event, delivery))

    def receive(self, request: Request) -> Reply:
        return self.receiver.receive(*request)


@pytest.fixture
def office() -> Office:
    return Office(ParcelSender())


def test_delivery_of_a_second_sender_runs_its_typed_handler(office: Office) -> None:
    assert office.receive(parcel()).outcome is Outcome.PROCESSED
    ((event, delivery),) = office.sent
    assert (event.data.weight, event.timestamp) == (3, NOW)
    assert (delivery.delivery_id, delivery.secret) == ("1", "parcel")


def test_sender_of_ten_lines_has_typed_events_and_signed_ids() -> None:
    office = Office(Courier())
    forged = parcel("3")._replace(body=parcel().body + b" ")
    outcomes = [office.receive(each).outcome for each in (parcel(), parcel(), parcel("2"), forged)]
    assert [str(each) for each in outcomes] == [
        "processed",
        "duplicate",
        "processed",
        "invalid-signature",
    ]
    assert [(event.data.weight, each.delivery_id) for event, each in office.sent] == [
        (3, "1"),
        (3, "2"),
    ]


def test_delivery_of_a_second_sender_passes_an_asgi_mount(office: Office) -> None:
    request, statuses = parcel(), []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": request.body}

    async def send(message: Mapping[str, object]) -> None:
        statuses.append(message.get("status"))

    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(WebhookApp(office.receiver)(scope, receive, send))
    assert statuses == [200, None]
    assert len(office.sent) == 1


def test_challenge_gets_its_answer_and_is_no_event(office: Office) -> None:
    request = parcel(kind="parcel.challenge")
    replies = [office.receive(request) for _ in range(2)]
    expected = sign(SECRET.encode(), "", "", request.body).encode()
    assert [(each.outcome, each.status, each.body) for each in replies] == [
        (Outcome.ANSWERED, 200, expected)
    ] * 2
    assert ("Content-Type", "text/plain") in replies[0].headers
    assert (office.sent, office.unknown) == ([], [])


def test_challenge_without_its_signature_or_too_old_gets_no_answer(office: Office) -> None:
    old = parcel(kind="parcel.challenge", sent=NOW - timedelta(hours=1))
    assert office.receive(old).outcome is Outcome.STALE
    old.headers["Parcel-Signature"] = "00"
    assert office.receive(old).outcome is Outcome.INVALID_SIGNATURE


def test_same_delivery_again_is_a_duplicate(office: Office) -> None:
    outcomes = [office.receive(parcel()).outcome for _ in range(2)]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert len(office.sent) == 1


def test_equal_bodies_under_two_signed_ids_are_two_deliveries(office: Office) -> None:
    outcomes = [office.receive(parcel(number)).outcome for number in ("1", "2")]
    assert outcomes == [Outcome.PROCESSED] * 2
    assert len({delivery.fingerprint for _, delivery in office.sent}) == 2


def test_retry_with_a_new_signed_time_is_a_duplicate(office: Office) -> None:
    office.receive(parcel(sent=NOW - timedelta(minutes=1)))
    assert office.receive(parcel()).outcome is Outcome.DUPLICATE


def test_delivery_outside_the_window_is_stale(office: Office) -> None:
    assert office.receive(parcel(sent=NOW - timedelta(hours=1))).outcome is Outcome.STALE
    assert office.sent == []


@pytest.mark.parametrize("header", ["Parcel-Id", "Parcel-Time", "Parcel-Signature"])
def test_changed_signed_header_is_an_invalid_signature(office: Office, header: str) -> None:
    request = parcel()
    request.headers[header] += "1"
    assert office.receive(request).outcome is Outcome.INVALID_SIGNATURE


def test_event_missing_from_the_catalogue_is_unknown(office: Office) -> None:
    assert office.receive(parcel(kind="parcel.lost")).outcome is Outcome.PROCESSED
    assert [event.event for event in office.unknown] == ["parcel.lost"]


def test_event_that_its_model_refuses_is_invalid(office: Office) -> None:
    office.receiver = Receiver(SECRET, sender=ParcelSender(), clock=lambda: NOW)

    class HeavyParcel(ParcelSent):
        data: Literal["heavy"]  # type: ignore[assignment]  # fits no parcel.

    office.receiver.on(HeavyParcel)(print)
    assert office.receive(parcel()).outcome is Outcome.INVALID_EVENT


def test_names_of_another_senders_events_are_unknown(office: Office) -> None:
    with pytest.raises(ConfigurationError, match=r"no event 'invoice.created'\. .*: parcel.sent"):
        office.receiver.on("invoice.created")
    assert office.receiver.unhandled_events == ()


def stored(body: bytes, number: str) -> JobClaim:
    return JobClaim(JobDecision.RUN, body=body, delivery_id=number, received_at=NOW, secret="x")


def test_stored_delivery_is_restored_under_its_signed_id() -> None:
    body = parcel("7").body
    key = fingerprint(body, "7").hex()
    delivery, envelope = restore_delivery(ParcelSender(), key, stored(body, "7"))
    assert (delivery.delivery_id, delivery.event, delivery.timestamp) == ("7", "parcel.sent", NOW)
    assert envelope["data"] == {"kind": "parcel.sent", "weight": 3}


def test_stored_delivery_under_another_signed_id_is_refused() -> None:
    body = parcel("7").body
    with pytest.raises(MalformedDelivery, match="was changed"):
        restore_delivery(ParcelSender(), fingerprint(body, "7").hex(), stored(body, "8"))


# --- the core names no sender ---

PACKAGE = Path(florentin_webhooks.__file__).parent
DEFAULT = "core/defaults.py"
"""The one module that names the default sender."""
MODEL = "protocol/event.py"
"""The module of the base model, whose fields are our own."""

SENDER = re.compile(
    r"x-florentin|\bCATALOGUE\b|\bFLORENTIN\b|\bsenders\.florentin\b|" + "|".join(CATALOGUE)
)
FIELD = re.compile(r"""["'](?:event|timestamp|data)["']\]|["']timestamp["']""")


def lines_of_the_core(*but: str) -> list[str]:
    """Return the lines of both rooms, without the old import paths of ``protocol/renamed``."""
    paths = [path for room in ("core", "protocol") for path in PACKAGE.glob(f"{room}/**/*.py")]
    assert len(paths) > 40
    return [
        line
        for path in paths
        if path.relative_to(PACKAGE).as_posix() not in but and path.parent.name != "renamed"
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_core_names_no_header_and_no_event_of_a_sender() -> None:
    assert [line for line in lines_of_the_core(DEFAULT) if SENDER.search(line)] == []
    assert any(SENDER.search(line) for line in lines_of_the_core())


def test_core_and_protocol_name_no_field_of_an_envelope() -> None:
    assert [line for line in lines_of_the_core(MODEL) if FIELD.search(line)] == []
    assert any(FIELD.search(line) for line in lines_of_the_core())
