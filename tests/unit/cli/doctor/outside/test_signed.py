"""Signed probes find another secret, and name what changes a body on its way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.cli.doctor.check import State
from florentin_webhooks.cli.doctor.outside.exchange import Exchange
from florentin_webhooks.cli.doctor.outside.probe import Prober
from florentin_webhooks.cli.doctor.outside.signed import check_body, check_signature
from florentin_webhooks.events import Event
from florentin_webhooks.senders import Discord, Twilio
from florentin_webhooks.senders.base import Sender
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from florentin_webhooks.testing import SignedDelivery
from florentin_webhooks.testing.transport import read_outcome
from tests.support.senders import CASES, SenderCase

SECRET = "c2VjcmV0LW9mLXRoZS1kb2N0b3I"
URL = "https://shop.example/hooks"
WITHOUT_PROBE = ("sendgrid", "sns")
"""Senders that have no event of that name."""


def unchanged(body: bytes) -> bytes:
    return body


class Chain:
    """A receiver behind something that changes bodies; it counts requests and handled events."""

    def __init__(
        self,
        secret: str = SECRET,
        change: Callable[[bytes], bytes] = unchanged,
        sender: Sender = FLORENTIN,
        url: str = URL,
    ) -> None:
        self.store = MemoryStore()
        self.hooks = Receiver(secret, sender=sender, store=self.store)
        self.hooks.on(Event)(self.handle)
        self.handled: list[str] = []
        self.requests = 0
        self._change, self._url = change, url

    def handle(self, event: Event) -> None:
        self.handled.append(event.event)

    def send(self, made: SignedDelivery) -> Exchange:
        self.requests += 1
        reply = self.hooks.receive(made.headers, self._change(made.body), self._url)
        return Exchange(URL, reply.status, read_outcome(reply.body), text=reply.body.decode())


def prober(secret: str = SECRET, sender: Sender = FLORENTIN, ahead: float = 0) -> Prober:
    return Prober(sender, {"main": secret.encode()}, URL, ahead)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_probe_of_any_sender_runs_no_handler(case: SenderCase) -> None:
    chain = Chain(case.secrets, sender=case.sender)
    secret = case.private or case.secrets
    check = check_signature(prober(secret, case.sender), chain.send)
    has_probe = case.name not in WITHOUT_PROBE
    assert (check.state, chain.requests) == ((State.OK, 1) if has_probe else (State.SKIPPED, 0))
    assert (chain.handled, len(chain.store)) == ([], 0)


def test_accepted_probe_runs_and_stores_nothing() -> None:
    chain = Chain()
    assert check_signature(prober(), chain.send).state is State.OK
    assert check_body(prober(), chain.send).state is State.OK
    assert (chain.handled, len(chain.store), chain.requests) == ([], 0, 2)


@pytest.mark.parametrize(
    ("theirs", "ours", "name"),
    [
        (SECRET, f"'{SECRET}'", "secret-weak"),
        (SECRET, f"{SECRET}\n", "secret-weak"),
        ("an-entirely-different-secret", SECRET, "secret"),
    ],
)
def test_other_secret_is_explained_without_showing_it(theirs: str, ours: str, name: str) -> None:
    check = check_signature(prober(ours), Chain(theirs).send)
    assert (check.name, check.state) == (name, State.FAIL)
    assert SECRET not in str(check)


def test_new_secret_that_is_not_deployed_is_named() -> None:
    secrets = {"new": b"a-secret-of-this-month", "old": SECRET.encode()}
    check = check_signature(Prober(FLORENTIN, secrets, URL), Chain().send)
    assert check.message == "The receiver there has old, but not new."


def encode(**style: object) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(json.loads(body), **style).encode()  # type: ignore[arg-type]  # any style.


def strip(body: bytes) -> bytes:
    return body.strip()


def to_unix(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n")


def to_latin(body: bytes) -> bytes:
    return body.decode().encode("latin-1")


def from_latin(body: bytes) -> bytes:
    return body.decode("latin-1").encode()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (encode(separators=(",", ":")), "body-json"),
        (encode(ensure_ascii=False, sort_keys=True), "body-json"),
        (encode(indent=2), "body-json"),
        (strip, "body-newline"),
        (to_unix, "body-line-ends"),
        (to_latin, "body-text"),
        (from_latin, "body-text"),
    ],
)
def test_change_of_bodies_is_named(change: Callable[[bytes], bytes], name: str) -> None:
    chain = Chain(change=change)
    check = check_body(prober(), chain.send)
    assert (check.name, check.state) == (name, State.FAIL)
    assert "as they are" in check.hint
    assert (chain.handled, len(chain.store)) == ([], 0)
    assert chain.requests <= 50


def test_change_of_every_body_is_not_taken_for_another_secret() -> None:
    check = check_signature(prober(), Chain(change=encode(indent=2)).send)
    assert check.name == "body-json"


def test_other_change_of_bodies_is_still_found() -> None:
    chain = Chain(change=lambda body: body.replace(b"amount", b"AMOUNT"))
    assert check_body(prober(), chain.send).name == "body-changed"


def test_sender_that_signs_its_url_has_a_hint_for_it() -> None:
    chain = Chain(sender=Twilio(), url="http://10.0.0.7/hooks")
    check = check_signature(prober(sender=Twilio()), chain.send)
    assert "X-Forwarded-Proto" in check.hint


def test_public_key_cannot_sign_probes() -> None:
    (key,) = [case.secrets for case in CASES if case.name == "discord"]
    check = check_signature(prober(key, Discord()), Chain().send)
    assert (check.state, check.hint) == (State.SKIPPED, "Use a private key for tests.")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (Exchange(URL, 400, "stale"), "clock"),
        (Exchange(URL, 400, "malformed"), "malformed"),
        (Exchange(URL, 200, "processed"), "probe"),
        (Exchange(URL, error="timeout"), "url-timeout"),
        (Exchange(URL, 502), "upstream"),
        (Exchange(URL, 503, "unavailable"), "receiver-store"),
        (Exchange(URL, 413, "too-large"), "body-limit"),
    ],
)
def test_other_answer_to_a_probe_is_explained(sent: Exchange, name: str) -> None:
    check = check_signature(prober(), lambda _: sent)
    assert check.name == name
    assert check.hint


def test_probe_has_the_time_of_the_receiver() -> None:
    hooks = Receiver(SECRET, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    made = prober(ahead=3600).make()
    assert hooks.receive(made.headers, made.body).outcome == "ignored"
