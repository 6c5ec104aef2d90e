"""``sign``, ``verify`` and ``trigger`` for every sender, by name, import path or receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from florentin_webhooks import Delivery, Receiver, senders
from florentin_webhooks.cli.devserver.web import PATH, build_app
from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.sender_context import SenderContext, find_sender
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.events import Event
from florentin_webhooks.senders import Stripe
from florentin_webhooks.senders.services.sns_simulation import SimulatedSNS
from florentin_webhooks.testing import Provider
from tests.support.answering import Answering, Asked
from tests.support.command_line import error, type_in
from tests.support.senders import BASE64_SECRET, CASES, RAW_SECRET, URL, V1A
from tests.support.server import under_uvicorn
from tests.support.signing_keys import P256
from tests.support.sns import TOPIC

STRIPE_SECRET = "whsec_of_the_stripe_endpoint"
BODY = b'{"id": "evt_1", "type": "invoice.paid", "data": {}}'
DATED = BODY.replace(b"{}", b'{}, "created_at": "2026-06-06T12:00:00Z"')
PROGRAM = f"""
from florentin_webhooks import Receiver
from florentin_webhooks.senders import HMACSender, Stripe
from florentin_webhooks.senders.services.sns_simulation import SimulatedSNS

alarms = Receiver("{TOPIC}", sender=SimulatedSNS("sns.pem"))
parcels = HMACSender(name="Parcels", signature_header="X-Parcel-Signature")
hooks = Receiver("{STRIPE_SECRET}", sender=Stripe(), name="billing")
"""


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a module with senders, in the working directory."""
    name = f"parcels_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("name", sorted(set(senders.__all__) - {"HMACSender"}))
def test_every_sender_is_found_by_its_name(name: str) -> None:
    found = find_sender(name.lower())
    assert type(found) is getattr(senders, name)
    assert type(find_sender(name)) is type(found)


def test_misspelt_sender_has_a_hint() -> None:
    assert find_sender("florentin") is DEFAULT_SENDER
    assert type(find_sender("standard-webhooks")) is senders.StandardWebhooks
    with pytest.raises(UsageError, match=r"no sender 'stripes'\. Did you mean stripe\?"):
        find_sender("stripes")
    with pytest.raises(UsageError, match="Cannot import"):
        find_sender("tests.support.nowhere:parcels")
    with pytest.raises(UsageError, match="not a sender"):
        find_sender("tests.support.senders:NOW")


@pytest.mark.parametrize("options", [["--sender", "stripe"], ["--app", "{}:hooks"]])
def test_signed_file_is_valid(options: list[str], body: Path, program: str) -> None:
    words = [each.format(program) for each in options]
    environ = {"FLORENTIN_WEBHOOK_SECRET": STRIPE_SECRET if "--sender" in words else None}
    signed = type_in("sign", str(body), "--json", *words, environ=environ)
    headers = json.loads(signed.stdout)["headers"]
    delivery, _ = Receiver(STRIPE_SECRET, sender=Stripe()).verify(headers, BODY)
    assert delivery.delivery_id == "evt_1"
    (body.parent / "headers").write_text(signed.stdout)
    options = ["--headers", str(body.parent / "headers"), *words, "--json"]
    result = type_in("verify", str(body), *options, environ=environ)
    assert (result.exit_code, json.loads(result.stdout)["valid"]) == (0, True)
    names = [json.loads(each.stdout)["fingerprint"] for each in (signed, result)]
    assert names[0] == names[1] == fingerprint(words, headers)


def fingerprint(words: list[str], headers: dict[str, str]) -> str:
    name = "" if "--sender" in words else "billing"
    receiver = Receiver(STRIPE_SECRET, sender=Stripe(), name=name)
    return receiver.verify(headers, BODY)[0].fingerprint


@pytest.mark.parametrize("name", ["standard_webhooks_v1a", "discord", "sendgrid", "ed25519"])
def test_private_key_prints_the_fingerprint_of_the_receiver(name: str) -> None:
    case = next(each for each in CASES if each.name.endswith(name))
    context = SenderContext(case.sender, {"test": case.private.encode()})
    body = case.make(datetime.now(UTC)).body
    provider = Provider(case.private, sender=case.sender, url=URL)
    signed = provider.sign(case.header_event, body, delivery_id="d1")
    receiver = Receiver(case.secrets, sender=case.sender)
    found = receiver.verify(signed.headers, signed.body, URL)[0].fingerprint
    assert context.fingerprint_of(signed, URL) == found


def test_sender_of_the_program_is_found_by_its_path(body: Path, program: str) -> None:
    words = ["--sender", f"{program}:parcels"]
    signed = type_in("sign", str(body), *words)
    value = signed.stdout.rpartition("X-Parcel-Signature: ")[2].strip()
    assert type_in("verify", str(body), *words, "--signature", value).exit_code == 0


def causes(body: Path, sender: str, *words: str, secret: str = STRIPE_SECRET) -> list[str]:
    environ = {"FLORENTIN_WEBHOOK_SECRET": secret}
    result = type_in("verify", str(body), "--sender", sender, "--json", *words, environ=environ)
    assert result.exit_code == 3
    return [cause["code"] for cause in json.loads(result.stdout)["causes"]]


def test_cause_of_an_invalid_signature_is_found(body: Path) -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": STRIPE_SECRET}
    signed = type_in("sign", str(body), "--sender", "stripe", environ=environ)
    line = signed.stdout.splitlines()[-1]
    assert causes(body, "stripe", "--header", "X-Other: 1") == ["header-missing"]
    assert causes(body, "stripe", "--header", line, "--header", line) == ["header-repeated"]
    assert causes(body, "stripe", "--header", "Stripe-Signature: t=1,v2=2") == ["header-form"]
    assert causes(body, "stripe", "--header", line, secret=RAW_SECRET) == ["unexplained"]
    body.write_bytes(BODY + b"\n")
    assert causes(body, "stripe", "--header", line) == ["body-newline"]


def test_secret_in_quotes_is_refused(body: Path) -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": f'"{STRIPE_SECRET}"'}
    words = ["verify", str(body), "--sender", "stripe", "--signature", "t=1,v1=0"]
    assert "has quotes around it" in error(type_in(*words, environ=environ))


def test_event_in_a_header_must_be_named(body: Path) -> None:
    assert "--event" in error(type_in("sign", str(body), "--sender", "github"))
    words = ["sign", str(body), "--sender", "github", "--event", "push"]
    assert "X-GitHub-Event: push\n" in type_in(*words).stdout


def test_weak_and_public_keys_are_refused(body: Path) -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": "whsec_c2hvcnQ="}
    words = ["sign", str(body), "--sender", "svix"]
    assert "Svix's settings" in error(type_in(*words, environ=environ))
    environ = {"FLORENTIN_WEBHOOK_SECRET": V1A["secrets"]}
    assert "public key" in error(type_in(*words, environ=environ))


@pytest.mark.parametrize("sender", ["twilio", "square", "httpsignature"])
def test_url_that_a_sender_signs_must_be_given(body: Path, sender: str) -> None:
    words = ["--sender", sender]
    body.write_bytes(b"Body=Hi" if sender == "twilio" else DATED)
    assert "--url" in error(type_in("sign", str(body), *words))
    signed = type_in("sign", str(body), "--url", URL, "--json", *words)
    (body.parent / "headers").write_text(signed.stdout)
    words += ["--headers", str(body.parent / "headers"), "--json"]
    verified = type_in("verify", str(body), "--url", URL, *words)
    digests = [json.loads(each.stdout)["fingerprint"] for each in (signed, verified)]
    assert (verified.exit_code, digests[0]) == (0, digests[1])
    (cause,) = json.loads(type_in("verify", str(body), *words).stdout)["causes"]
    assert cause["code"] == "url-missing"


def test_headers_that_cannot_be_printed_have_a_reason(body: Path) -> None:
    words = ["sign", str(body), "--sender"]
    assert "puts its signature into the body" in error(type_in(*words, "mailgun"))
    assert "bodySHA256=" in error(type_in(*words, "twilio", "--url", URL))
    environ = {"FLORENTIN_WEBHOOK_SECRET": TOPIC}
    refusal = error(type_in(*words, "sns", environ=environ))
    assert "Only Amazon has the key" in refusal
    assert "SimulatedSNS" in refusal


# --- trigger ---


class Target:
    """A receiver that is served, with the deliveries that it has handled."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Delivery] = []


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    hooks, place = Receiver(BASE64_SECRET, sender=senders.StandardWebhooks()), Target("")

    @hooks.on(Event)
    def remember(_: Event, delivery: Delivery) -> None:
        place.seen.append(delivery)

    with under_uvicorn(build_app(hooks), lifespan="on") as port:
        place.url = f"http://127.0.0.1:{port}{PATH}"
        yield place


def test_triggered_delivery_of_a_sender_is_processed(target: Target) -> None:
    words = ["trigger", "invoice.paid", "--sender", "standard-webhooks", "--to", target.url]
    environ = {"FLORENTIN_WEBHOOK_SECRET": BASE64_SECRET}
    options = ["--duplicate", "--restamp", "--json", "--set", "data.amount=5"]
    result = type_in(*words, *options, environ=environ)
    replies = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["outcome"] for each in replies] == ["processed", "duplicate", "duplicate"]
    assert {each["fingerprint"] for each in replies[:2]} == {target.seen[-1].fingerprint}
    assert replies[0]["delivery_id"] == target.seen[-1].delivery_id
    assert json.loads(target.seen[-1].body)["data"]["amount"] == 5
    tampered = type_in(*words, "--tamper", "--json", environ=environ)
    assert json.loads(tampered.stdout)["outcome"] == "invalid-signature"
    stale = type_in(*words, "--stale", "--json", environ=environ)
    assert json.loads(stale.stdout)["outcome"] == "stale"


def trigger(secret: str, *words: str) -> tuple[Result, Asked, str]:
    """Return the result of the command, the request that it sent, and the URL."""
    with Answering() as server:
        url = f"{server.url}/hook"
        environ = {"FLORENTIN_WEBHOOK_SECRET": secret}
        result = type_in("trigger", *words, "--to", url, "--json", environ=environ)
        return result, server.requests[-1], url


def test_form_of_twilio_is_triggered() -> None:
    words = ["message.received", "--sender", "twilio"]
    result, sent, url = trigger(RAW_SECRET, *words)
    receiver = Receiver(RAW_SECRET, sender=senders.Twilio())
    delivery, event = receiver.verify(sent.headers, sent.body, url)
    assert event.event == "message.received"
    assert json.loads(result.stdout)["fingerprint"] == delivery.fingerprint
    assert "is not JSON" in error(type_in("trigger", *words, "--set", "Body=Hi"))


def test_message_of_a_simulated_sns_is_triggered(program: str) -> None:
    with Answering() as server:
        words = ["Notification", "--app", f"{program}:alarms", "--set", "Message=Hi"]
        type_in("trigger", *words, "--to", server.url)
    sent = server.requests[-1]
    receiver = Receiver(TOPIC, sender=SimulatedSNS("sns.pem"))
    assert receiver.verify(sent.headers, sent.body)[1].data.message == "Hi"


def test_list_of_sendgrid_is_triggered_with_changed_items() -> None:
    words = ["bounce", "--sender", "sendgrid", "--set", "email=a@b.example"]
    sent = trigger(P256.private, *words)[1]
    _, event = Receiver(P256.public, sender=senders.SendGrid()).verify(sent.headers, sent.body)
    assert event.event == "batch"
    assert [(each["event"], each["email"]) for each in event.data] == [("bounce", "a@b.example")]


def test_event_of_a_sender_must_be_named() -> None:
    assert "The event of Stripe is missing." in error(type_in("trigger", "--sender", "stripe"))
