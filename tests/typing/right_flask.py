"""Receivers in Flask, and the extension as a router."""

from typing import assert_type

from flask import Blueprint, Flask

from florentin_webhooks import Delivery, Receiver, Router, events
from florentin_webhooks.flask import FlorentinWebhooks, webhook_blueprint

hooks = Receiver("a-secret-of-some-length")
app = Flask(__name__)
blueprint = webhook_blueprint(hooks)
assert_type(blueprint, Blueprint)
app.register_blueprint(blueprint, url_prefix="/api")
app.register_blueprint(webhook_blueprint(hooks, "/webhooks/florentin", name="billing"))

florentin = FlorentinWebhooks()
florentin.init_app(app)
FlorentinWebhooks(app)
router: Router = florentin


@florentin.on("invoice.created", latest=lambda event: event.data.invoice.id)
def bill(event: events.InvoiceCreated, delivery: Delivery) -> None:
    print(event.data.invoice.number, delivery.fingerprint)


@florentin.on(events.SubscriptionEvent, queue="slow")
async def resize(event: events.SubscriptionEvent) -> None:
    print(event.data)


florentin.include(Router())
