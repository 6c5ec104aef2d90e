"""The senders' own packages sign what we verify, and verify what we sign: ``make peers``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from tests.support.senders import BASE64_SECRET, CASES, RAW_SECRET, URL, Request, SenderCase

pytestmark = pytest.mark.peers  # The packages take 150 MB.
NOW = datetime.now(UTC).replace(microsecond=0)
SECONDS = str(int(NOW.timestamp()))


def is_accepted(verify: Callable[[], object], refusal: type[Exception]) -> bool:
    try:
        verify()
    except refusal:
        return False
    return True


class Stripe:
    secret = "whsec_test_secret_of_stripe"

    def __init__(self) -> None:
        self.stripe: Any = import_module("stripe")

    def accepts(self, request: Request) -> bool:
        header = request.headers["Stripe-Signature"]
        verify = self.stripe.WebhookSignature.verify_header
        return is_accepted(
            lambda: verify(request.body.decode(), header, self.secret, 300),
            self.stripe.SignatureVerificationError,
        )

    def signature(self, body: bytes) -> dict[str, str]:
        compute = self.stripe.WebhookSignature._compute_signature
        digest = compute(f"{SECONDS}.{body.decode()}", self.secret)
        return {"Stripe-Signature": f"t={SECONDS},v1={digest}"}


class StandardWebhooks:
    package, prefix = "standardwebhooks", "webhook"

    def __init__(self) -> None:
        self.module: Any = import_module(self.package)
        self.webhook: Any = self.module.Webhook(BASE64_SECRET)
        self.refusal: Any = import_module(f"{self.package}.webhooks").WebhookVerificationError

    def accepts(self, request: Request) -> bool:
        return is_accepted(lambda: self.webhook.verify(request.body, request.headers), self.refusal)

    def signature(self, body: bytes) -> dict[str, str]:
        values = {"id": "msg_1", "timestamp": SECONDS}
        values["signature"] = self.webhook.sign("msg_1", NOW, body.decode())
        return {f"{self.prefix}-{name}": value for name, value in values.items()}


class Svix(StandardWebhooks):
    package, prefix = "svix", "svix"


class GitHub:
    """gidgethub verifies only."""

    def accepts(self, request: Request) -> bool:
        sansio: Any = import_module("gidgethub.sansio")
        refusal: Any = import_module("gidgethub").ValidationFailure
        signature = request.headers["X-Hub-Signature-256"]
        validate = sansio.validate_event
        return is_accepted(
            lambda: validate(request.body, signature=signature, secret=RAW_SECRET), refusal
        )


class Slack:
    def __init__(self) -> None:
        self.verifier: Any = import_module("slack_sdk.signature").SignatureVerifier(RAW_SECRET)

    def accepts(self, request: Request) -> bool:
        return bool(self.verifier.is_valid_request(request.body, request.headers))

    def signature(self, body: bytes) -> dict[str, str]:
        signature = self.verifier.generate_signature(timestamp=SECONDS, body=body)
        return {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": SECONDS}


class Twilio:
    def __init__(self) -> None:
        module: Any = import_module("twilio.request_validator")
        self.validator: Any = module.RequestValidator(RAW_SECRET)

    def accepts(self, request: Request) -> bool:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        signature = request.headers["X-Twilio-Signature"]
        return bool(self.validator.validate(request.url, form, signature))

    def signature(self, body: bytes) -> dict[str, str]:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return {"X-Twilio-Signature": self.validator.compute_signature(URL, form)}


class SendGrid:
    """sendgrid verifies only."""

    def accepts(self, request: Request) -> bool:
        module: Any = import_module("sendgrid.helpers.eventwebhook")
        key = CASE["sendgrid"].secrets
        prefix = "X-Twilio-Email-Event-Webhook"
        signature, seconds = (request.headers[f"{prefix}-{n}"] for n in ("Signature", "Timestamp"))
        verify = module.EventWebhook(key).verify_signature
        return bool(verify(request.body.decode(), signature, seconds))


class Square:
    """squareup verifies only."""

    def accepts(self, request: Request) -> bool:
        module: Any = import_module("square.utils.webhooks_helper")
        return bool(
            module.verify_signature(
                request_body=request.body.decode(),
                signature_header=request.headers["x-square-hmacsha256-signature"],
                signature_key=RAW_SECRET,
                notification_url=request.url,
            )
        )


class PaddleRequest(NamedTuple):
    body: bytes
    headers: dict[str, str]


class Paddle:
    """paddle-python-sdk verifies only."""

    def accepts(self, request: Request) -> bool:
        module: Any = import_module("paddle_billing.Notifications")
        secret = module.Secret(CASE["paddle"].secrets)
        read = PaddleRequest(request.body, request.headers)
        return bool(module.Verifier(300).verify(read, secret))


CASE = {case.name: case for case in CASES}
PEERS: dict[str, Callable[[], Any]] = {
    "stripe": Stripe,
    "standard_webhooks": StandardWebhooks,
    "svix": Svix,
    "github": GitHub,
    "slack": Slack,
    "twilio": Twilio,
    "sendgrid": SendGrid,
    "square": Square,
    "paddle": Paddle,
}


def make(case: SenderCase) -> Request:
    return case.make(NOW)


@pytest.mark.parametrize("name", PEERS)
def test_peer_accepts_what_we_sign_and_no_other_body(name: str) -> None:
    peer, request = PEERS[name](), make(CASE[name])
    assert peer.accepts(request)
    changed = request.body.replace(b'"', b"'", 1).replace(b"Hi", b"Ho")
    assert changed != request.body
    assert not peer.accepts(request._replace(body=changed))


@pytest.mark.parametrize(
    "name", [name for name, peer in PEERS.items() if hasattr(peer, "signature")]
)
def test_we_accept_what_a_peer_signs(name: str) -> None:
    case, peer = CASE[name], PEERS[name]()
    body = make(case).body
    receiver = case.receiver(NOW + timedelta(seconds=1))
    assert receiver.verify(peer.signature(body), body, URL)[0].event == case.event
