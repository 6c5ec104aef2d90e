"""Correct programs with the API: each call has the result of its client's kind."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI
from florentin_webhooks.api.models import Customer, Invoice, UsageSummary

api = FlorentinAPI("https://shop.florentin.ai/api/v1", "42|secret")
asynchronous = AsyncFlorentinAPI("https://shop.florentin.ai/api/v1", "42|secret")

customer: Customer = api.customers.show("7c1f")
customers: Iterator[Customer] = api.customers.list()
usage: UsageSummary = api.credits.consume(customer=customer.id, amount=5, reason="report")


async def main() -> None:
    task: asyncio.Task[Customer] = asyncio.create_task(asynchronous.customers.show("7c1f"))
    shown: Customer = await task
    invoices: AsyncIterator[Invoice] = asynchronous.invoices.list(customer=shown.id)
    async for invoice in invoices:
        print(invoice.number)
