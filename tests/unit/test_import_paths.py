"""The import paths that users type: all of them, and what they typed before."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from tests.support.django_settings import configure

configure()  # The models can be imported only in a Django program.

PUBLIC = """
florentin_webhooks: AttemptReport DeadReport DeliveryReport Health HealthLimits Observer health
florentin_webhooks: DeadDelivery Delivery Discard HandlerFailure MemoryStore RQQueue Receiver
florentin_webhooks: RedisStore Reply Request RetryLater Router Spool Tenant errors events
florentin_webhooks.api: AsyncFlorentinAPI FlorentinAPI
florentin_webhooks.api.models: APIKey APIObject Customer Invoice Login Plan Product Subscription
florentin_webhooks.api.models: TeamMember TermsAcceptance UsageSummary
florentin_webhooks.asgi: HealthApp WebhookApp WebhookMiddleware
florentin_webhooks.django: DjangoStore health_path hooks inspector_path webhook_path webhook_view
florentin_webhooks.django.models: Delivery
florentin_webhooks.errors: APIError APIUnavailable
florentin_webhooks.errors: ConfigurationError DeliveryTooLarge HandlerFailed InvalidEvent
florentin_webhooks.errors: InvalidSignature MalformedDelivery Rejected StaleDelivery Unavailable
florentin_webhooks.errors: HandlerTimeout MissingHandler WebhookError
florentin_webhooks.events: CATALOGUE AccountCreated Event InvoiceCreated SubscriptionCancelled
florentin_webhooks.events: SubscriptionDowngraded SubscriptionEvent SubscriptionPurchased
florentin_webhooks.events: SubscriptionUpgraded TeamMemberAdded TosAccepted UnknownEvent
florentin_webhooks.events: UsageMetricsUpdated UserLogin parse_event
florentin_webhooks.fastapi: webhook_router
florentin_webhooks.flask: FlorentinWebhooks health_blueprint inspector_blueprint webhook_blueprint
florentin_webhooks.inspector: Inspector PageRequest
florentin_webhooks.opentelemetry: Telemetry
florentin_webhooks.prometheus: Metrics
florentin_webhooks.redis.embedded_server: EmbeddedServer
florentin_webhooks.rq: PROCESS JobFailed RQQueue process
florentin_webhooks.senders: Discord GitHub HMACSender HTTPSignature Linear Mailgun Paddle SNS
florentin_webhooks.senders: SendGrid Shopify Slack Square StandardWebhooks Stripe Svix Twilio
florentin_webhooks.senders: Zoom
florentin_webhooks.senders.florentin.payloads: Account InvoiceData Subscription SubscriptionData
florentin_webhooks.signatures: DELIVERY_ID_HEADER EVENT_HEADER FlorentinSignature
florentin_webhooks.signatures: SIGNATURE_HEADER Secrets TIMESTAMP_HEADER iso_timestamp
florentin_webhooks.simulator: Simulator
florentin_webhooks.testing: AsyncWebhooks Capture DeliveryResult Provider SignedDelivery Webhooks
florentin_webhooks.testing: effect open_async_webhooks open_webhooks
"""

FACES = [
    "florentin_webhooks",
    "florentin_webhooks.api",
    "florentin_webhooks.api.models",
    "florentin_webhooks.asgi",
    "florentin_webhooks.django",
    "florentin_webhooks.errors",
    "florentin_webhooks.events",
    "florentin_webhooks.fastapi",
    "florentin_webhooks.flask",
    "florentin_webhooks.opentelemetry",
    "florentin_webhooks.prometheus",
    "florentin_webhooks.rq",
    "florentin_webhooks.senders",
    "florentin_webhooks.signatures",
    "florentin_webhooks.simulator",
    "florentin_webhooks.testing",
]

DEPRECATED = {
    "florentin_webhooks.embedded:EmbeddedServer": "florentin_webhooks.redis.embedded_server",
    "florentin_webhooks.events:parse": "parse_event",
    "florentin_webhooks.payloads:Subscription": "florentin_webhooks.senders.florentin.payloads",
    "florentin_webhooks.sender:post": "florentin_webhooks.testing.transport",
    "florentin_webhooks.testing:Made": "SignedDelivery",
}
"""Each old path, and the name that its warning gives."""


def paths() -> list[str]:
    """Return each public path, as module:name."""
    lines = [line.partition(": ") for line in PUBLIC.strip().splitlines()]
    return [f"{module}:{name}" for module, _, names in lines for name in names.split()]


def resolve(path: str) -> object:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def test_public_import_paths_work() -> None:
    assert [path for path in paths() if resolve(path) is None] == []


@pytest.mark.parametrize("module", FACES)
def test_public_module_lists_exactly_its_public_names(module: str) -> None:
    names = [path.partition(":")[2] for path in paths() if path.startswith(f"{module}:")]
    assert sorted(import_module(module).__all__) == sorted(names)


@pytest.mark.parametrize(("old", "new"), DEPRECATED.items())
def test_deprecated_import_path_works_and_names_the_new_one(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"was renamed to {new}\b"):
        assert resolve(old) is not None


@pytest.mark.parametrize("module", ["florentin_webhooks.payloads", "florentin_webhooks.embedded"])
def test_misspelt_name_in_a_renamed_module_is_an_attribute_error(module: str) -> None:
    with (
        pytest.warns(DeprecationWarning, match="was renamed"),
        pytest.raises(AttributeError, match="Subscripton"),
    ):
        resolve(f"{module}:Subscripton")


def test_stored_jobs_name_the_function_that_workers_allow() -> None:
    from florentin_webhooks.rq import PROCESS, process

    module, _, name = PROCESS.rpartition(".")
    assert PROCESS == "florentin_webhooks.rq.process"
    assert getattr(import_module(module), name) is process


def test_installed_apps_entry_and_migrations_keep_their_names() -> None:
    program = (
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['florentin_webhooks.django'])\n"
        "django.setup()\n"
        "from django.apps import apps\n"
        "from django.db.migrations.loader import MigrationLoader\n"
        "print(apps.get_app_config('florentin_webhooks').name)\n"
        "names = sorted(MigrationLoader(None).disk_migrations)\n"
        "print(*(name for app, name in names if app == 'florentin_webhooks'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "florentin_webhooks.django",
        "0001_initial 0002_delivery_key_id 0003_delivery_next_attempt",
    ]
