"""Values are frozen: events, what they carry, deliveries and replies."""

from florentin_webhooks import Delivery, Reply, events


def change(event: events.InvoiceCreated, delivery: Delivery, reply: Reply) -> None:
    event.event = "invoice.created"  # error
    event.timestamp = delivery.timestamp  # error
    event.data = event.data  # error
    event.data.invoice.amount_due = 0  # error
    delivery.body = b""  # error
    delivery.event = "invoice.created"  # error
    delivery.delivery_id = None  # error
    reply.status = 200  # error
    reply.headers = ()  # error


def change_others(event: events.UserLogin, anything: events.Event) -> None:
    event.data.user.id = "usr_1"  # error
    event.data.account = event.data.account  # error
    anything.data = {}  # error
