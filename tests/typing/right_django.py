"""The URL pattern and the view for Django, and handlers of the settings' receiver."""

from typing import assert_type

from django.urls import URLPattern, path

from florentin_webhooks import Delivery, Receiver, events
from florentin_webhooks.django import DjangoStore, hooks, webhook_path, webhook_view

own = Receiver("a-secret-of-some-length", store=DjangoStore("default"))

assert_type(webhook_path("webhooks/florentin"), URLPattern)
urlpatterns = [
    webhook_path("webhooks/florentin"),
    webhook_path("webhooks/own", own, name="own"),
    path("webhooks/other", webhook_view(own)),
    path("webhooks/other/", webhook_view()),
]
assert_type(hooks, Receiver)


@hooks.on("invoice.created", atomic=True)
def bill(event: events.InvoiceCreated, delivery: Delivery) -> None: ...
