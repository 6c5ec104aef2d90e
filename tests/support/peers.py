"""The senders' own packages behind one interface: *accepts* verifies, *signature* signs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

from tests.support.senders import BASE64_SECRET, CASES, RAW_SECRET, URL, Request
from tests.support.signing_keys import P256

NOW = datetime.now(UTC).replace(microsecond=0)
SECONDS = str(int(NOW.timestamp()))
CASE = {case.name: case for case in CASES}


Accepts = Callable[[Request], bool]


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
        self.calls = {"Webhook.construct_event": self.constructs}

    def constructs(self, request: Request) -> bool:
        construct, header = self.stripe.Webhook.construct_event, request.headers["Stripe-Signature"]
        return is_accepted(
            lambda: construct(request.body, header, self.secret),
            self.stripe.SignatureVerificationError,
        )

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
        self.calls = {"Webhook.verify(json_parse=False)": self.accepts_unparsed}

    def accepts(self, request: Request) -> bool:
        return is_accepted(lambda: self.webhook.verify(request.body, request.headers), self.refusal)

    def accepts_unparsed(self, request: Request) -> bool:
        verify = self.webhook.verify
        return is_accepted(
            lambda: verify(request.body, request.headers, json_parse=False), self.refusal
        )

    def signature(self, body: bytes) -> dict[str, str]:
        values = {"id": "msg_1", "timestamp": SECONDS}
        values["signature"] = self.webhook.sign("msg_1", NOW, body.decode())
        return {f"{self.prefix}-{name}": value for name, value in values.items()}


class Svix(StandardWebhooks):
    package, prefix = "svix", "svix"


class GitHub:
    """gidgethub verifies only."""

    def __init__(self) -> None:
        self.sansio: Any = import_module("gidgethub.sansio")
        self.validate = self.sansio.validate_event
        self.refusal: Any = import_module("gidgethub").ValidationFailure
        self.calls = {"sansio.Event.from_http": self.reads}

    def reads(self, request: Request) -> bool:
        read = self.sansio.Event.from_http
        return is_accepted(
            lambda: read(request.headers, request.body, secret=RAW_SECRET), self.refusal
        )

    def accepts(self, request: Request) -> bool:
        signature = request.headers["X-Hub-Signature-256"]
        return is_accepted(
            lambda: self.validate(request.body, signature=signature, secret=RAW_SECRET),
            self.refusal,
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

    def __init__(self) -> None:
        module: Any = import_module("sendgrid.helpers.eventwebhook")
        self.verify: Any = module.EventWebhook(P256.public).verify_signature

    def accepts(self, request: Request) -> bool:
        prefix = "X-Twilio-Email-Event-Webhook"
        signature, seconds = (request.headers[f"{prefix}-{n}"] for n in ("Signature", "Timestamp"))
        return bool(self.verify(request.body.decode(), signature, seconds))


class Square:
    """squareup verifies only."""

    def __init__(self) -> None:
        self.verify: Any = import_module("square.utils.webhooks_helper").verify_signature

    def accepts(self, request: Request) -> bool:
        return bool(
            self.verify(
                request_body=request.body.decode(),
                signature_header=request.headers["x-square-hmacsha256-signature"],
                signature_key=RAW_SECRET,
                notification_url=request.url,
            )
        )


PEERS: dict[str, Callable[[], Any]] = {
    "stripe": Stripe,
    "standard_webhooks": StandardWebhooks,
    "svix": Svix,
    "github": GitHub,
    "slack": Slack,
    "twilio": Twilio,
    "sendgrid": SendGrid,
    "square": Square,
}
