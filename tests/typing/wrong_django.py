"""What cannot be meant in a Django program."""

from florentin_webhooks import events
from florentin_webhooks.django import hooks, webhook_path, webhook_view
from florentin_webhooks.django import webhook_url  # error

webhook_path("webhooks/florentin", "shop.hooks:hooks")  # error
webhook_path("webhooks/florentin", name=None)  # error
webhook_view(bool)  # error


@hooks.on("invoice.created")  # error
def bill(event: events.UserLogin) -> None: ...
