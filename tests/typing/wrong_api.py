"""Wrong programs with the API."""

from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI
from florentin_webhooks.api.models import Customer, Invoice

api = FlorentinAPI("https://shop.florentin.ai/api/v1", "42|secret")
asynchronous = AsyncFlorentinAPI("https://shop.florentin.ai/api/v1", "42|secret")

invoice: Invoice = api.customers.show("7c1f")  # error
pending: Customer = asynchronous.customers.show("7c1f")  # error
api.customers.show(7)  # error
api.customers.create(email="ada@adabooks.example")  # error
api.credits.consume(customer="7c1f", amount="5", reason="report")  # error
api.customer  # error
